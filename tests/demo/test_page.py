"""The page as HTML, without a server."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from elmo_tasks.demo.page import EMPTY, EXAMPLES, answer, document, script, style
from elmo_tasks.demo.panels import (
    entity_panel,
    frame_panel,
    label_panel,
    meaning,
    mix_panel,
    plain_panel,
    similarity_panel,
    tag_panel,
    tint,
)
from elmo_tasks.demo.runs import Shown
from elmo_tasks.demo.similarity import MOST, Similarity, compare_tokens
from elmo_tasks.embedders.random import RandomEmbedder
from elmo_tasks.text.results import (
    Argument,
    Entity,
    EntityResult,
    Frame,
    FrameResult,
    LabelResult,
    OtherResult,
    Tag,
    TagResult,
    sentence_of,
)

ENTITIES, ROLES = ("LOC", "PER"), ("ARG0", "ARG1", "V")
TAGS = {
    "b",
    "dd",
    "div",
    "dl",
    "dt",
    "figcaption",
    "figure",
    "h2",
    "header",
    "i",
    "mark",
    "option",
    "p",
    "section",
    "select",
    "span",
}
TAGS |= {"table", "td", "th", "tr"}
ATTRIBUTES = {"aria-label", "class", "dir", "scope", "selected", "style", "tabindex", "title", "value"}
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
        assert page.attributes <= ATTRIBUTES
        assert "<script>alert(1)</script>" in page.text and "</mark>" in page.text


@given(st.lists(st.text(min_size=1, max_size=60), min_size=1, max_size=5))
def test_any_token_and_label_is_text(tokens: list[str]) -> None:
    name = tokens[0]
    sentence = sentence_of(tokens)
    first, last = sentence.tokens[0], sentence.tokens[-1]
    frame = Frame(*last, (Argument(name, *first, 0.5),), 0.9)
    for made in (
        entity_panel(EntityResult(*sentence, (Entity(name, *first, 0.5),)), [name]),
        tag_panel(TagResult(*sentence, (Tag(name, *first),)), [name]),
        frame_panel(FrameResult(*sentence, (frame,)), [name, "V"]),
        label_panel(LabelResult(*sentence, name, {name: 0.75, f"{name}!": 0.25}), several=True),
        plain_panel(OtherResult(*sentence, {name: {name: tokens}}), several=True),
        mix_panel({name: {"weights": [0.5, 0.5], "gamma": 1.0}}),
        similarity_panel(similarity(tuple(tokens)), own=True),
    ):
        assert Reader(made).tags <= TAGS


def test_several_sentences_are_split_and_said_so(shown: Shown) -> None:
    page = Reader(answer(shown, "Ada lives in Rome. Bo lives in Oslo.")).text
    assert "This text was split into 2 sentences." in page
    assert page.count("PER") == 2 and "split into" not in Reader(answer(shown, "Ada lives in Rome.")).text


@pytest.mark.parametrize("text", ["", "  \n\t"])
def test_an_empty_box_asks_for_a_text(shown: Shown, text: str) -> None:
    assert answer(shown, text) == EMPTY and "Type a text" in EMPTY


def test_a_long_text_is_cut_with_a_note(shown: Shown) -> None:
    page = Reader(answer(shown, "Ada lives in Rome , " * 1000)).text
    assert "This text is too long. Only its first 160 tokens were analysed" in page
    assert f"Only the first {MOST} of the sentence's 160 tokens are compared." in page
    assert page.count("Rome") >= 32


def test_entities_are_marked() -> None:
    sentence = sentence_of(["Ada", "Lovelace", "saw", "Rome"])
    made = entity_panel(EntityResult(*sentence, (Entity("PER", "Ada Lovelace", 0, 12, 0.876),)), ENTITIES)
    label = '<span class="label" dir="ltr">PER <b>87.6 %</b></span>'
    assert re.search(f'<mark class="entity t1">Ada .*Lovelace {label}', made)
    assert Reader(made).text.startswith("Ada Lovelace PER 87.6 % saw Rome")
    assert "No entity found." in entity_panel(EntityResult(*sentence, ()), ENTITIES)


def test_each_token_has_its_tag() -> None:
    tags = (Tag("NOUN", "Ada", 0, 3, 0.5), Tag("VERB", "reads", 4, 9))
    made = tag_panel(TagResult(*sentence_of(["Ada", "reads"]), tags), ["ADJ", "NOUN", "VERB"])
    assert Reader(made).text.split() == ["AdaNOUN", "50.0", "%", "readsVERB"]
    assert re.findall(r'class="mark (t\d)"', made) == ["t1", "t2"]


def test_frames_have_a_strip_each() -> None:
    sentence = sentence_of(["Bo", "sold", "two", "boats"])
    frame = Frame("sold", 3, 7, (Argument("ARG0", "Bo", 0, 2, 0.9), Argument("ARG1", "two boats", 8, 17, 0.8)), 0.99)
    made = frame_panel(FrameResult(*sentence, (frame, frame)), ROLES)
    assert made.count('class="frame"') == 2 and made.count('<span class="predicate">sold</span>') == 2
    assert "<span>two boats</span>" in made and "<b>ARG0</b> agent" in made
    nothing = FrameResult(*sentence, ())
    assert "No predicate found." in frame_panel(nothing, ROLES) and "boats" in frame_panel(nothing, ROLES, several=True)
    assert (meaning("R-ARG0"), meaning("C-ARGM-TMP"), meaning("ARGX")) == ("reference to agent", "more of time", "")


def labels_of(probabilities: dict[str, float]) -> LabelResult:
    return LabelResult(*sentence_of(["fine"]), max(probabilities, key=probabilities.__getitem__), probabilities)


def test_bars_of_labels_and_mixes() -> None:
    made = label_panel(labels_of({"dull": 0.25, "warm": 0.75}))
    assert '<p class="verdict" dir="auto">warm</p>' in made and "width:75.00%" in made and "25.0 %" in made
    mix = mix_panel({"elmo": {"weights": [0.2, 0.3, 0.5], "gamma": 1.25}})
    assert "flex-grow:0.3000" in mix and "2: 0.50" in mix and "1.25" in mix
    assert mix_panel({}) == ""


def test_every_task_has_its_view(shown: Shown) -> None:
    made = answer(shown, "Ada lives in Rome.")
    for kind, title in (
        ("entities", "Named entities"),
        ("frames", "Semantic roles"),
        ("label", "Sentiment"),
        ("tags", "Tags"),
    ):
        assert f'<section class="card {kind}"><header><h2>{title}</h2>' in made
    assert re.search(r'<span>lives</span><span class="label" dir="ltr">VERB <b>', made)


def test_the_two_choosers_are_told_apart(shown: Shown) -> None:
    labels = re.findall(r'<select [^>]*aria-label="([^"]+)"', answer(shown, "Ada lives in Rome."))
    assert labels == ["first token", "second token"]


def test_the_document_shows_the_first_example(shown: Shown) -> None:
    made = document(shown)
    assert made.count(EXAMPLES[0]) == 2 and answer(shown, EXAMPLES[0]) in made


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
    shown = Reader(label_panel(labels_of({"a": 1.0, "b": 0.9994, "c": 0.00049, "d": 0.001}))).text
    assert re.findall(r"[<> ]*[\d.]+ %", shown) == ["> 99.9 %", "99.9 %", "< 0.1 %", "0.1 %"]


def test_a_label_keeps_its_colour() -> None:
    assert [tint("PER", {"LOC", "PER"}), tint("PER", {"PER", "LOC", "ORG"})] == ["t1", "t2"]


def test_style_and_script_fetch_nothing() -> None:
    for text in (style(), script()):
        assert not re.search(r"https?:|//\w|@import|url\(|eval|Function", text)
    assert re.findall(r"fetch\(.*?,", script()) == ['fetch("answer",']
    assert ".k20 {" in style()
