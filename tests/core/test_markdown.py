"""Markdown that we write is read back by an independent parser."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from elmo_tasks.core.markdown import Markdown, code, code_block, escape, markdown_table
from elmo_tasks.core.terminal import printable

HOSTILE = (
    *("<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "a|b", "|", "\\", "\\|", "a\\", "`", "``a`", "`|`"),
    *("*a*", "**a**", "_a_", "__a__", "snake_case", "~~a~~", "[a](javascript:b)", "![a](b)", "[a]: b", "<a@b.c>"),
    *(
        "&lt;",
        "&#60;",
        "&",
        "# a",
        "- a",
        "+ a",
        "1. a",
        "2) a",
        "> a",
        "---",
        "===",
        "| --- |",
        "a\nb",
        "a\r\n\r\n# b",
        "\t",
    ),
    *("\x1b[31mred", "\u202eabc", "\u200fabc", "\u2028", "\ufeff", "\U000e0041", "\U0001f600", "é", "\x00", "\ud83d"),
)
READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
texts = st.one_of(
    st.sampled_from(HOSTILE), st.text(st.sampled_from("\\`*_[]()<>|&#;~-+1. ab!\n"), max_size=12), st.text(max_size=20)
)


class Cells(HTMLParser):
    """The texts of a table's cells, row by row, and every tag."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: set[str] = set()
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


@given(st.lists(texts, min_size=3, max_size=3), st.lists(st.lists(texts, min_size=3, max_size=3), max_size=3))
def test_a_table_shows_every_text_as_it_is(columns: list[str], rows: list[list[str]]) -> None:
    found = Cells(READER.render(markdown_table(columns, rows, numbers=1)))
    assert found.tags <= {"table", "thead", "tbody", "tr", "th", "td"}
    expected = [[printable(cell).strip() for cell in row] for row in (columns, *rows)]
    assert [[cell.strip() for cell in row] for row in found.rows if any(row) or row] == expected


@given(texts)
def test_code_shows_any_text(text: str) -> None:
    (_, (first, second)) = Cells(READER.render(markdown_table(["a", "b"], [[code(text), "end"]]))).rows
    assert (first.strip(), second.strip()) == (printable(text).strip(), "end")


@pytest.mark.parametrize("text", HOSTILE)
def test_a_line_is_one_paragraph(text: str) -> None:
    made = READER.render(escape(text)).strip()
    if printable(text).strip():
        assert made.startswith("<p>") and made.endswith("</p>") and made.count("<") == 2


@given(st.lists(texts, min_size=1, max_size=4))
def test_a_block_of_code_shows_any_lines(lines: list[str]) -> None:
    text = "\n".join(lines)
    tokens = READER.parse(code_block(text) + "# after\n")
    assert [token.type for token in tokens[:2]] == ["fence", "heading_open"]
    assert tokens[0].content == "".join(f"{printable(line)}\n" for line in text.split("\n"))


def test_alignment_and_markdown_by_hand() -> None:
    made = markdown_table(["", "n"], [(Markdown("*a* `b`"), "1"), ("*a*", "")], numbers=1)
    assert made == "|  | n |\n| --- | ---: |\n| *a* `b` | 1 |\n| \\*a\\* |  |\n"
    assert markdown_table(["a", "b"], []) == "| a | b |\n| --- | --- |\n"
    assert (code("a.json"), code("a|b"), escape("1. a")) == ("`a.json`", "<code>a&#124;b</code>", "1\\. a")
