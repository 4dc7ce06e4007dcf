"""Perplexity and surprisal: where the model is, word by word, of text that can be read."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode

from elmo_tasks.core.errors import InputError
from elmo_tasks.elmo.bilm import BiLM
from elmo_tasks.elmo.characters import batch_to_ids
from elmo_tasks.elmo.options import BilmOptions
from elmo_tasks.pretraining.bilm_folder import read_language_model, write_bilm_folder
from elmo_tasks.pretraining.corpus import MAX_LINE_TOKENS
from elmo_tasks.pretraining.evaluation import evaluate_bilm, surprisal_lines
from elmo_tasks.pretraining.objective import Objective
from elmo_tasks.pretraining.perplexity import LanguageModel, surprisals

LN2 = 0.6931471805599453


class OtherDevice:
    """Stands for a biLM that is on another device than the CPU: torch refuses to mix the two in a product."""

    options = SimpleNamespace(max_characters=50)

    def __call__(self, ids: Tensor, keep_sentence_boundaries: bool) -> Any:
        assert ids.device.type == "meta"
        return SimpleNamespace(layers=torch.empty(ids.shape[0], 3, ids.shape[1] + 2, 12, device=ids.device))


def test_a_model_on_another_device_is_given_its_words_there() -> None:
    with FakeTensorMode(allow_non_fake_inputs=True):
        weight, bias = torch.empty(5, 6, device="meta"), torch.empty(5, device="meta")
        vocabulary = {"<S>": 0, "</S>": 1, "<UNK>": 2, "a": 3, "b": 4}
        model = LanguageModel(OtherDevice(), weight, bias, vocabulary)  # type: ignore[arg-type]
        found = list(surprisals(model, [["a", "b"], ["a"]]))
    assert [(losses.device.type, tuple(losses.shape)) for losses in found] == [("cpu", (2, 3)), ("cpu", (2, 2))]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An untrained biLM with its softmax."""
    tiny = BilmOptions(char_dim=3, filters=((1, 4), (2, 5)), n_highway=1, cell_dim=12, projection_dim=6, n_layers=2)
    words = ["<S>", "</S>", "<UNK>", "the", "cat"]
    torch.manual_seed(1)
    write_bilm_folder(tmp_path / "lm", Objective(BiLM(tiny), vocabulary=5, samples=2), words, {"vocabulary": 5})
    return tmp_path / "lm"


def test_bits_stand_beside_their_words(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("the cat\n\nzebra\n" + "cat\n" * 99)
    first, second, *rest = surprisal_lines(str(folder), tmp_path / "t.txt")
    assert (first["tokens"], second["tokens"], len(rest)) == (["the", "cat"], ["zebra"], 99)
    model = read_language_model(str(folder))
    top = model.bilm(batch_to_ids([["the", "cat"]]), keep_sentence_boundaries=True).layers[0, -1]  # <S> the cat </S>

    def bits(step: int, half: slice, word: str) -> float:
        return -torch.log_softmax(model.weight @ top[step, half] + model.bias, 0)[model.vocabulary[word]].item() / LN2

    ahead, behind = slice(6), slice(6, None)
    assert first["forward"] == pytest.approx([bits(0, ahead, "the"), bits(1, ahead, "cat")], rel=1e-4)
    assert first["backward"] == pytest.approx([bits(2, behind, "the"), bits(3, behind, "cat")], rel=1e-4)
    assert first["forward_end"] == pytest.approx(bits(2, ahead, "</S>"), rel=1e-4)
    assert first["backward_begin"] == pytest.approx(bits(1, behind, "<S>"), rel=1e-4)


def test_sentences_of_any_length_keep_their_order_and_stand_alone(folder: Path) -> None:
    model = read_language_model(str(folder))
    random = torch.Generator().manual_seed(0)
    lengths = torch.randint(1, 9, (40,), generator=random).tolist()  # more than are sorted together at two a batch
    sentences = [[("the", "cat", "zebra")[(place + n) % 3] for n in range(lengths[place])] for place in range(40)]
    together = list(surprisals(model, sentences, batch=2))
    for words, found in zip(sentences, together, strict=True):
        (alone,) = surprisals(model, [words])
        torch.testing.assert_close(found, alone)


def test_a_text_without_sentences_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("the cat\n" + "cat " * (MAX_LINE_TOKENS + 1))
    with pytest.raises(
        InputError, match=r"t\.txt:2: the line has 2001 words, but one sentence per line with at most 2000 words"
    ):
        evaluate_bilm(str(folder), tmp_path / "t.txt")
