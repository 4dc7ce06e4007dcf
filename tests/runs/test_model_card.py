"""Model cards of runs and biLMs with other people's names in them."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
import yaml
from markdown_it import MarkdownIt

from elmo_tasks.core.terminal import printable
from elmo_tasks.runs.model_card import bilm_card, run_card

HOSTILE = ("<script>alert(1)", "a|b", "`rm`", "![x](y.png)", "*a* _b_", "\u202ea", "a\nb: c")


class Shown(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.tags = "", set[str]()
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def read(card: str) -> tuple[dict[str, object], Shown]:
    """The metadata, and what a reader sees."""
    _, metadata, body = card.split("---\n", 2)
    return yaml.safe_load(metadata), Shown(MarkdownIt("commonmark").enable("table").render(body))


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_shown_as_they_are(name: str) -> None:
    metrics = {"data": name, "task": "ner", "embedders": [name], "seed": 1, "command": f"elmo-tasks train {name}"}
    _, shown = read(run_card("org/run", metrics | {"dev": {"f1": 0.9}, "test": {"f1": 0.8}}, None))
    assert shown.tags <= {"h1", "p", "table", "thead", "tbody", "tr", "th", "td", "ul", "li", "code", "pre"}
    assert shown.text.count(printable(name)) >= 3 and "80.00" in shown.text
    stage = {"init": name, "epochs": 1, "corpus_tokens": 1, "corpus_sentences": 1, "corpus_sha256": name}
    record = {"vocabulary": 1, "stages": [stage | {"config": {"seed": 1}, "command": name}]}
    _, shown = read(bilm_card("org/bilm", record, name.strip("\n")))
    assert shown.tags <= {"h1", "h2", "p", "ul", "li", "code", "pre"} and printable(name) in shown.text


@pytest.mark.parametrize("folder", ["/home/me/bilm", "/home/me/a:b", "~/a:b,c"])
def test_no_folder_of_mine_is_in_the_card(folder: str) -> None:
    """Also where a colon is part of its name."""
    command = f"elmo-tasks train ner --embedders elmo:{folder} --data {folder}"
    metrics = {"data": "x", "task": "ner", "embedders": [f"elmo:{folder}"], "seed": 1, "command": command}
    card = run_card("org/run", metrics | {"dev": {"f1": 0.9}, "test": {"f1": 0.8}}, None)
    name = folder.rpartition("/")[2]
    assert f"elmo:{name} --data {name}" in card and "/home" not in card and "~" not in card
