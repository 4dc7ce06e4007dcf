"""The page with a run that compares two texts: a second box, and a card that reads both."""

from __future__ import annotations

from pathlib import Path

import pytest

from elmo_tasks.demo.page import EXAMPLES_OF_PAIRS, answer, document
from elmo_tasks.demo.runs import Shown, load_runs
from elmo_tasks.demo.server import _read

PREMISE, HYPOTHESIS = EXAMPLES_OF_PAIRS[0]


@pytest.fixture(scope="module")
def compared(pair_folder: Path, run_folders: dict[str, Path]) -> Shown:
    """A run of pairs, then one of single sentences."""
    return load_runs([str(pair_folder), str(run_folders["sentiment"])])


def test_both_texts_are_read(compared: Shown) -> None:
    made = answer(compared, PREMISE, second=HYPOTHESIS)
    assert '<section class="card label"><header><h2>Inference</h2>' in made and "<h2>Sentiment</h2>" in made
    assert all(f'<span class="name">{label}</span>' in made for label in ("entailment", "neutral", "contradiction"))
    run = compared.runs[0].run
    found = run((PREMISE, HYPOTHESIS))
    assert f'<p class="verdict" dir="auto">{found.label}</p>' in made
    assert f"{100 * max(found.probabilities.values()):.1f} %" in made


def test_all_sentences_of_the_premise_are_read(compared: Shown) -> None:
    made = answer(compared, "Ada fell. Bo ran.", second="Cy sat. Di stood.")
    found = compared.runs[0].run((["Ada", "fell", ".", "Bo", "ran", "."], ["Cy", "sat", ".", "Di", "stood", "."]))
    assert all(f"{100 * share:.1f} %" in made for share in found.probabilities.values())
    assert made.count("was split into 2 sentences") == 1  # for the other run


def test_without_a_hypothesis_one_is_asked_for(compared: Shown) -> None:
    made = answer(compared, PREMISE)
    assert "Type a hypothesis into the second box" in made and "<h2>Sentiment</h2>" in made


def test_markup_is_shown_as_text(compared: Shown) -> None:
    nasty = "<script>alert(1)</script>"
    assert nasty not in answer(compared, nasty, second=nasty)


def test_there_is_a_second_box_only_for_pairs(compared: Shown, shown: Shown) -> None:
    mixed, single = document(compared), document(shown)
    only = document(Shown(compared.runs[:1], compared.bilm, compared.own))
    assert f">{HYPOTHESIS}</textarea>" in mixed and "for runs that compare two texts" in mixed
    assert f'data-second="{HYPOTHESIS}"' in mixed and answer(compared, PREMISE, second=HYPOTHESIS) in mixed
    assert "Premise, a text" in only and only.count('type="button"') == len(EXAMPLES_OF_PAIRS) < mixed.count(
        'type="button"'
    )
    assert 'id="second"' not in single and "data-second" not in single


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"text": "a"}', ("a", False, "")),
        (b'{"text": "a", "second": "b", "tokenised": true}', ("a", True, "b")),
        (b'{"text": "a", "second": null}', None),
    ],
)
def test_the_second_text_of_a_request(body: bytes, expected: object) -> None:
    assert _read(body) == expected
