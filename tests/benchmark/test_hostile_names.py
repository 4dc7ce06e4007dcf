"""Names from outside in the report: shown as they are, in Markdown and in HTML, and no picture fails of them."""

from __future__ import annotations

from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from elmo_tasks.benchmark.document import Section
from elmo_tasks.benchmark.pictures import mix_picture, task_pictures
from elmo_tasks.benchmark.report import as_markdown, as_page
from elmo_tasks.benchmark.sheet import Sheet
from elmo_tasks.core.terminal import printable

HOSTILE = (
    *("<script>alert(1)</script>", '"><img src=x>', "a|b", "**b**", "`", "'", "$x^$"),
    *("a\nb", "\U0001f600", "\u202eabc", "\u200f"),
)
names = st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(), max_size=12))


class Shown(HTMLParser):
    """Text and tags of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.tags, self.names = "", set[str](), set[str]()
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.names |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


@given(names, names, names)
def test_any_name_is_text(heading: str, sentence: str, cell: str) -> None:
    sheet = Sheet(heading, sentence, ("embedders", cell), ((cell, "1.00"), (sentence, cell)))
    sections = [Section(heading, (sentence,), (sheet,))]
    page = Shown(as_page(sections))
    tags = {"html", "head", "meta", "title", "style", "body", "header", "h1", "nav", "ul", "li", "a", "main", "section"}
    assert page.tags <= tags | {"h2", "h3", "p", "div", "table", "thead", "tbody", "tr", "th", "td"}
    assert not [name for name in page.names if name.startswith("on")]
    markdown = Shown(MarkdownIt("commonmark").enable("table").render(as_markdown(sections, "pictures")))
    assert markdown.tags <= {"h1", "h2", "h3", "p", "ul", "li", "table", "thead", "tbody", "tr", "th", "td"}
    for name in (heading, sentence, cell):
        assert printable(name) in page.text
        assert printable(name).strip() in markdown.text


@pytest.mark.parametrize("name", HOSTILE)
def test_pictures_take_any_name(name: str) -> None:
    row: Mapping[str, Any] = {
        "embedders": [name],
        "fraction": 100,
        "curves": [[0.5, 0.6]],
        "mix": [{"embedder": name, "weights": [[0.5, 0.5]], "gamma": [1.0]}],
        "test": {"mean": 0.5, "deviation": None},
    }
    task = {"task": "ner", "data": "some", "headline": "f1", "rows": [row, dict(row, fraction=10)]}
    mixes = mix_picture([task])
    assert mixes is not None
    assert all(picture.png.startswith(b"\x89PNG") for picture in (*task_pictures(task), mixes))
