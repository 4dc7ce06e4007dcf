from __future__ import annotations

from pathlib import Path

import pytest
import torch

from elmo_tasks.analysis.contrast import contrast
from elmo_tasks.core.errors import InputError
from elmo_tasks.embedders.frozen import bilm_embedder
from elmo_tasks.views.contrast import write_contrast

DOG, OAK = ["The", "dog", "began", "to", "bark", "."], ["His", "bark", "is", "an", "oak's"]


@pytest.mark.usefixtures("exact_arithmetic")
def test_cosines_by_layer(tiny_bilm: str) -> None:
    embedder = bilm_embedder(tiny_bilm)
    found = contrast(embedder, (DOG, OAK))
    assert (found.word, found.positions) == ("bark", (4, 1))
    first, second = embedder.embed([DOG])[0][:, 4], embedder.embed([OAK])[0][:, 1]
    assert found.cosines == pytest.approx(torch.cosine_similarity(first, second, dim=-1).tolist(), abs=1e-5)
    assert found.cosines[0] == pytest.approx(1, abs=1e-5)  # characters alone
    assert found.tables.shape == (3, 6, 5)
    assert found.tables[2, 4, 1].item() == pytest.approx(found.cosines[2])


def test_a_word_in_any_case(tiny_bilm: str) -> None:
    assert contrast(bilm_embedder(tiny_bilm), (["Bark", "!"], OAK), "bark").positions == (0, 1)


@pytest.mark.parametrize(
    ("first", "second", "word", "message"),
    [
        (
            "a dog , a cat",
            "the dog , the cat",
            None,
            "share exactly one word, not 2: dog, cat; choose one with --word WORD",
        ),
        ("one .", "two .", None, "must share exactly one word, not none; choose one with --word WORD"),
        ("one .", "two .", "one", "the word 'one' is not in the sentence 'two .'"),
        ("", "two .", None, "contrast: a sentence is empty; give two tokenised sentences"),
    ],
)
def test_faults(tiny_bilm: str, first: str, second: str, word: str | None, message: str) -> None:
    with pytest.raises(InputError, match=message):
        contrast(bilm_embedder(tiny_bilm), (first.split(), second.split()), word)


def test_a_page_shows_markup_as_text(tiny_bilm: str, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    evil = ["<script>alert(1)</script>", "bark", "$x^2$", "&"]
    write_contrast(contrast(bilm_embedder(tiny_bilm), (evil, ["bark", "<b>"]), "bark"), path)
    page = path.read_text()
    assert "<script" not in page and "&lt;script&gt;alert(1)&lt;/script&gt; <mark>bark</mark> $x^2$ &amp;" in page
    assert page.count("<svg") == 1 and page.startswith("<!DOCTYPE html>")
    assert page.count("<td>1.000</td>") >= 4  # layer 0, and the static vector in each layer
