"""The page as HTML, without a server."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from elmo_tasks.demo.answers import Frame, LikelySpan
from elmo_tasks.demo.page import EMPTY, answer, script, style
from elmo_tasks.demo.panels import entity_panel, frame_panel, label_panel, meaning, mix_panel, similarity_panel, tint
from elmo_tasks.demo.runs import Shown
from elmo_tasks.demo.similarity import MOST, Similarity, compare_tokens
from elmo_tasks.embedders.random import RandomEmbedder
from elmo_tasks.text.labels import LabelSet

ENTITIES, ROLES = LabelSet.of_types(["LOC", "PER"], "BIOES"), LabelSet.of_types(["ARG0", "ARG1", "V"], "BIO")
TAGS = {"b", "div", "figcaption", "figure", "h3", "header", "i", "mark", "option", "p", "section", "select", "span"}
TAGS |= {"table", "td", "th", "tr"}
NASTY = "<script>alert(1)</script> <img src=x onerror=alert(1)> \"' & </mark> ${7*7} {{value}} &lt;"


class Reader(HTMLParser):
    """Text, tags and attributes; an element that is not closed as it was opened is an error."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text, self.tags, self.attributes, self.open = "", set[str](), set[str](), list[str]()
        self.feed(str(page))  # of `Markup`, every piece would be escaped again
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def similarity(tokens: tuple[str, ...]) -> Similarity:
    return compare_tokens(RandomEmbedder(8), tokens)


def test_markup_is_shown_as_text(shown: Shown) -> None:
    for tokenised in (False, True):
        page = Reader(answer(shown, NASTY, tokenised))
        assert page.tags <= TAGS
        assert page.attributes <= {"aria-label", "class", "role", "selected", "style", "title", "value"}
        assert "<script>alert(1)</script>" in page.text and "</mark>" in page.text


@given(st.lists(st.text(min_size=1, max_size=60), min_size=1, max_size=5))
def test_any_token_and_label_is_text(tokens: list[str]) -> None:
    name = tokens[0]
    span = LikelySpan(name, 0, 1, 0.5)
    entities, roles = LabelSet.of_types([name], "BIOES"), LabelSet.of_types([name, "V"], "BIO")
    for made in (
        entity_panel(tokens, [span], entities),
        frame_panel(tokens, [Frame(len(tokens) - 1, 0.9, (span,))], roles),
        label_panel({name: 0.75, f"{name}!": 0.25}),
        mix_panel({name: {"weights": [0.5, 0.5], "gamma": 1.0}}),
        similarity_panel(similarity(tuple(tokens)), own=True),
    ):
        assert Reader(made).tags <= TAGS


def test_several_sentences_are_split_and_said_so(shown: Shown) -> None:
    page = Reader(answer(shown, "Ada lives in Rome. Bo lives in Oslo.")).text
    assert "This text was split into 2 sentences." in page
    assert page.count("PER") == 2 and "split into" not in Reader(answer(shown, "Ada lives in Rome.")).text


@pytest.mark.parametrize("text", ["", "  \n\t", None])
def test_an_empty_box_asks_for_a_sentence(shown: Shown, text: str) -> None:
    assert answer(shown, text) == EMPTY and "Type a sentence" in EMPTY


def test_a_long_text_is_cut_with_a_note(shown: Shown) -> None:
    page = Reader(answer(shown, "Ada lives in Rome , " * 1000)).text
    assert "This text is too long. The runs have read its first 160 tokens" in page
    assert f"Compared are the first {MOST} of the sentence's 160 tokens." in page
    assert page.count("Rome") >= 32


def test_entities_are_marked() -> None:
    made = entity_panel(["Ada", "Lovelace", "saw", "Rome"], [LikelySpan("PER", 0, 2, 0.876)], ENTITIES)
    assert re.search(r'<mark class="entity t1">Ada .*Lovelace <span class="label">PER <b>87.6 %</b></span>', made)
    assert Reader(made).text.startswith("Ada Lovelace PER 87.6 % saw Rome")
    assert "No entity found." in entity_panel(["Rain"], [], ENTITIES)


def test_frames_have_a_strip_each() -> None:
    tokens = ["Bo", "sold", "two", "boats"]
    frame = Frame(1, 0.99, (LikelySpan("ARG0", 0, 1, 0.9), LikelySpan("ARG1", 2, 4, 0.8)))
    made = frame_panel(tokens, [frame, frame], ROLES)
    assert made.count('class="frame"') == 2 and made.count('<span class="predicate">sold</span>') == 2
    assert "<span>two boats</span>" in made and "<b>ARG0</b> agent" in made
    assert "No predicate found." in frame_panel(tokens, [], ROLES)
    assert (meaning("R-ARG0"), meaning("C-ARGM-TMP"), meaning("ARGX")) == ("reference to agent", "more of time", "")


def test_bars_of_labels_and_mixes() -> None:
    made = label_panel({"dull": 0.25, "warm": 0.75})
    assert '<p class="verdict">warm</p>' in made and "width:75.00%" in made and "25.0 %" in made
    mix = mix_panel({"elmo": {"weights": [0.2, 0.3, 0.5], "gamma": 1.25}})
    assert "flex-grow:0.3000" in mix and "2: 0.50" in mix and "1.25" in mix
    assert mix_panel({}) == ""


def test_similarity_by_hand() -> None:
    cosines = torch.tensor([[[1.0, -0.4], [-0.4, 1.0]], [[1.0, 0.62], [0.62, 1.0]]])
    made = similarity_panel(Similarity(("a", "b"), cosines, (0, 1), "elmo", 2), own=True)
    assert '<td class="k0 chosen">-0.40</td>' in made and '<td class="k12 chosen">0.62</td>' in made
    assert made.count('<table class="heat">') == 2 and '<td class="k20">1.00</td>' in made


def test_cosines_against_their_definition() -> None:
    found = similarity(("one", "two", "one"))
    (layers,) = RandomEmbedder(8).embed([["one", "two", "one"]])
    a, b = layers[0, 0].double(), layers[0, 1].double()
    assert float(found.cosines[0, 0, 1]) == pytest.approx(float(a @ b / (a @ a).sqrt() / (b @ b).sqrt()), abs=1e-6)
    assert float(found.cosines[0, 0, 2]) == pytest.approx(1)


@pytest.mark.parametrize(
    ("tokens", "pair"),
    [("the bank by the river bank", (1, 5)), ("a", (0, 0)), ("to be or not to be", (0, 4)), ("bank Bank", (0, 1))],
)
def test_a_word_that_is_there_twice_is_compared_first(tokens: str, pair: tuple[int, int]) -> None:
    assert similarity(tuple(tokens.split())).pair == pair


def test_probabilities_are_never_rounded_to_certainty() -> None:
    shown = Reader(label_panel({"a": 1.0, "b": 0.9994, "c": 0.00049, "d": 0.001})).text
    assert re.findall(r"[<> ]*[\d.]+ %", shown) == ["> 99.9 %", "99.9 %", "< 0.1 %", "0.1 %"]


def test_a_label_keeps_its_colour() -> None:
    assert [tint("PER", {"LOC", "PER"}), tint("PER", {"PER", "LOC", "ORG"})] == ["t1", "t2"]


def test_style_and_script_fetch_nothing() -> None:
    for text in (style(), script()):
        assert not re.search(r"https?:|//\w|@import|url\(|fetch\(|innerHTML", text)
    assert ".elmo .k20{" in style()
