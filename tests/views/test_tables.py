"""Tables on the terminal: as wide as it, in its encoding, with texts as they are."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from elmo_tasks.analysis.similar import Neighbour
from elmo_tasks.data.senses import Occurrence
from elmo_tasks.pretraining.substitutes import Substitutes
from elmo_tasks.views.summary import print_summary
from elmo_tasks.views.tables import print_line, print_similar, print_substitutes, print_table

HOSTILE = ("[red]", "[/b]", "\x1b[31m", "a\nb", "\u202e", "\x9b", ":smile:", "[link=http://x]y[/link]", "日本", "\\[")


def shown(width: int = 120, encoding: str = "utf-8") -> tuple[Console, io.BytesIO]:
    written = io.BytesIO()
    return Console(file=io.TextIOWrapper(written, encoding=encoding), width=width, force_terminal=True), written


def text(console: Console, written: io.BytesIO) -> str:
    console.file.flush()
    return re.sub(r"\x1b\[[0-9;]*m", "", written.getvalue().decode(console.encoding))  # rich's own colours


def test_brackets_in_a_word_are_no_markup() -> None:
    ranked = (("[/b]", 0.5), ("[red]x", 0.25))
    console, written = shown()
    print_substitutes(Substitutes(0, "[/i]", ranked, ranked, ranked), console)
    made = text(console, written)
    assert "1: [/i]" in made and made.count("[/b]") == made.count("[red]x") == 3


@given(st.lists(st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(), max_size=12)), min_size=1, max_size=4))
def test_no_text_reaches_the_terminal_raw(tokens: list[str]) -> None:
    console, written = shown(400)
    occurrence = Occurrence(tuple(tokens), 0, tokens[0], tokens[-1], "a\x1b[2Jb:1")
    print_similar(occurrence, [Neighbour(occurrence, 0.5)], console)
    print_line(tokens[0], console)
    made = text(console, written)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e\ud800-\udfff]", made)
    assert r"a\u001b[2Jb:1" in made
    assert len(made.splitlines()) == 7  # title, three lines of the head, a row, the end of the table, the line


def metrics(types: list[str]) -> dict[str, object]:
    scores = {"precision": 1.0, "recall": 0.98765, "f1": 0.99}
    split = scores | {"per_type": {name: scores | {"support": 1234} for name in types}}
    return {
        "task": "ner",
        "data": "a[red]b",
        "seed": 1,
        "embedders": ["elmo"],
        "mix": {"elmo:[/x]\x1b[1m": {"weights": [0.5, 0.5], "gamma": 1.0}},
        "dev": split,
        "test": split,
        "best_epoch": 1,
        "epochs": 2,
        "seconds": 3.0,
        "seconds_per_epoch": 1.0,
        "peak_rss_mb": 100.0,
    }


@pytest.mark.parametrize("width", [40, 60, 80, 100])
def test_numbers_are_never_cut(width: int, tmp_path: Path) -> None:
    console, written = shown(width)
    print_summary(tmp_path, metrics(["organization-of-a-government", "LOC", "x" * 200]), console)  # type: ignore[arg-type]
    made = text(console, written)
    assert made.count("100.00") == made.count("98.77") == made.count("99.00") == 8  # three types and all, dev and test
    assert made.count("1234") == 3 and "…" not in made and "..." not in made
    assert "a[red]b" in made and r"mix of elmo:[/x]\u001b[1m" in made
    if width == 80:
        assert max(len(line) for line in made.splitlines() if line.startswith("│")) <= 80


@pytest.mark.parametrize(
    ("encoding", "spread", "name"),
    [
        ("ascii", "90.00 +- 1.00", r"\u00e9\u65e5"),
        ("latin-1", "90.00 ± 1.00", r"é\u65e5"),
        ("utf-8", "90.00 ± 1.00", "é日"),
    ],
)
def test_a_table_fits_the_encoding(encoding: str, spread: str, name: str) -> None:
    console, written = shown(80, encoding)
    print_table(("name", "F1"), [("é日", "90.00 ± 1.00"), ("LOC", "")], numbers={1}, console=console)
    made = text(console, written)
    assert spread in made and name in made
    assert len({cell_len(line) for line in made.splitlines()}) == 1


@pytest.mark.parametrize("key", ["f1", "accuracy"])
def test_a_run_without_a_test_split_has_its_dev_scores(key: str, tmp_path: Path) -> None:
    console, written = shown(100)
    made = metrics(["LOC"])
    del made["test"]
    if key == "accuracy":
        made["dev"] = {"accuracy": 0.5, "macro_f1": 0.25, "per_type": {}}
        made["headline"] = "accuracy"
    print_summary(tmp_path, made, console)  # type: ignore[arg-type]
    said = text(console, written)
    assert ("50.00" in said and "25.00" in said) if key == "accuracy" else "98.77" in said
    assert "dev" in said and "test F1" not in said and "test P" not in said
