"""`embed_batch`, the frozen layers of a batch for other people's models."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from elmo_tasks import InputError, ScalarMix, embed_batch, frozen_embedder
from elmo_tasks.embedders.protocol import Embedder

SENTENCES = [["Rain", "fell", "all", "night"], [], ["No"]]


@pytest.mark.parametrize(("name", "n_layers"), [("elmo", 3), ("random", 1)])
def test_a_batch_is_its_sentences_padded(name: str, n_layers: int) -> None:
    embedder = frozen_embedder(name)
    layers, mask = embed_batch(embedder, SENTENCES)
    assert layers.shape == (3, n_layers, 4, embedder.width) and layers.dtype == torch.float32
    assert mask.tolist() == [[True] * 4, [False] * 4, [True, False, False, False]]
    for row, (tokens, vectors) in enumerate(zip(SENTENCES, embedder.embed(SENTENCES), strict=True)):
        assert torch.equal(layers[row, :, : len(tokens)], vectors) and not layers[row, :, len(tokens) :].any()
    assert not layers.requires_grad
    mixed = ScalarMix(n_layers)(layers, mask)
    assert mixed.shape == (3, 4, embedder.width) and mixed.requires_grad


@pytest.fixture(scope="module")
def random_vectors() -> Embedder:
    return frozen_embedder("random")


def test_batches_without_words(random_vectors: Embedder) -> None:
    assert [part.shape[0] for part in embed_batch(random_vectors, [])] == [0, 0]
    layers, mask = embed_batch(random_vectors, [[], []])
    assert layers.shape == (2, 1, 0, random_vectors.width) and mask.shape == (2, 0)


def test_a_device_and_an_iterator(random_vectors: Embedder) -> None:
    layers, mask = embed_batch(random_vectors, iter(SENTENCES), device="meta")  # type: ignore[arg-type]
    assert layers.device.type == mask.device.type == "meta" and layers.shape[0] == 3
    with pytest.raises(
        InputError, match=r"sentences\[0\]: must be a list of tokens, such as .*, not a string: 'Rain fell'"
    ):
        embed_batch(random_vectors, ["Rain fell"])


def test_vectors_are_cached_where_a_folder_is_given(tmp_path: Path) -> None:
    cold = embed_batch(frozen_embedder("elmo", tmp_path), SENTENCES)[0]
    assert any(tmp_path.rglob("*.safetensors"))
    assert torch.equal(embed_batch(frozen_embedder("elmo", tmp_path), SENTENCES)[0], cold)
