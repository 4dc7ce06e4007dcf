"""The comparison of shown and real outputs, and the marks above blocks."""

from __future__ import annotations

import pytest
from fenced_blocks import DOCUMENTS, Output, blocks_of, fenced_blocks
from outputs import difference


@pytest.mark.parametrize(
    ("shown", "real"),
    [
        ("a b\n", "a   b\n\n"),
        ("a ... c\n", "a anything c\n"),
        ("a\n...\nz\n", "a\nb\nc\nz\n"),
        ("...\nz\n", "z\n"),
        ("┏━━━┓\n│ 1 │\n", "┏━━━━━┓\n│   1 │\n"),
        ("1.5 (a+b)", "1.5 (a+b)"),
    ],
)
def test_outputs_that_are_alike(shown: str, real: str) -> None:
    assert difference(Output("here", shown), real) is None


@pytest.mark.parametrize(
    ("shown", "real"),
    [("a\n", "b\n"), ("a\n", "a\nb\n"), ("a\nb\n", "a\n"), ("a ... c\n", "a b\n"), ("1.50\n", "1.51\n"), ("a\n", "")],
)
def test_outputs_that_differ(shown: str, real: str) -> None:
    message = difference(Output("docs/a.md:3", shown), real)
    assert message and message.startswith("docs/a.md:3 shows")


def test_decimals_may_differ_as_much_as_the_document_says() -> None:
    shown = Output("here", "F1 90.00 of 7, ... 1,200.5 s -0.10\n", within=0.1)
    assert difference(shown, "F1 81.00 of 7, about 1,300.0 s -0.095\n") is None
    assert difference(shown, "F1 80.00 of 7, about 1,200.5 s -0.10\n")
    assert difference(shown, "F1 90.00 of 8, about 1,200.5 s -0.10\n")
    assert difference(shown, "F1 90.00 of 7, about 1,200.5 s 0.10\n")


def test_marks_belong_to_the_block_below_them() -> None:
    text = (
        "<!-- runs: exits with 2 -->\n```bash\nfalse\n```\n\n<!-- output: decimals within 5 % -->\n```text\n1.0\n```\n"
        "words\n```text\nplain\n```\n<!-- runs: no, it takes hours -->\n```bash\nsleep 1e5\n```\n"
        "<!-- output: not compared, it is long -->\n```json\n{}\n```\n"
    )
    error, _, plain, unrun, _ = blocks_of(text, "a.md")
    assert (error.exit_code, error.output, error.unrun) == (2, Output("a.md:7", "1.0\n", within=0.05), None)
    assert plain.output is None
    assert (unrun.unrun, unrun.exit_code) == ("it takes hours", 0)
    assert unrun.output == Output("a.md:19", "{}\n", uncompared="it is long")
    assert unrun.output and difference(unrun.output, "anything") is None


@pytest.mark.parametrize("mark", ["runs: perhaps", "output: roughly"])
def test_an_unknown_mark_is_an_error(mark: str) -> None:
    with pytest.raises(ValueError, match="neither"):
        blocks_of(f"```bash\ntrue\n```\n<!-- {mark} -->\n```text\n1\n```\n", "a.md")


def test_outputs_are_shown_and_compared() -> None:
    outputs = [block.output for path in DOCUMENTS for block in fenced_blocks(path) if block.output]
    assert len(outputs) >= 15
    assert sum(output.uncompared is not None for output in outputs) <= len(outputs) // 5
