"""Against the activations that the original TensorFlow code recorded for a tiny trained biLM.

30 sentences as 3 streams of 10; the k-th batch is the k-th sentence of each stream, the LSTM state passes from batch to
batch. float32 against float32: 1e-6 is absolute up to 1 and relative above, where one unit in the last place is more.
"""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from elmo_tasks.elmo.bilm import BiLM, BilmState
from elmo_tasks.elmo.characters import batch_to_ids, encode_words
from elmo_tasks.elmo.weights.hdf5 import read_hdf5
from elmo_tasks.elmo.weights.resolve import load_bilm


@pytest.fixture
def parity(shared_data: Path) -> Path:
    return shared_data / "bilm_parity"


@pytest.fixture
def bilm(parity: Path) -> BiLM:
    return read_hdf5(parity / "options.json", parity / "lm_weights.hdf5")


@pytest.fixture
def streams(parity: Path) -> list[list[list[str]]]:
    return [[line.split() for line in stream] for stream in json.loads((parity / "sentences.json").read_text())]


def assert_equal_to_1e_6(ours: torch.Tensor, recorded: np.ndarray) -> None:
    assert tuple(ours.shape) == recorded.shape
    error = np.abs(ours.numpy() - recorded) / np.maximum(1.0, np.abs(recorded))
    assert error.max() <= 1e-6 + np.finfo(np.float32).eps  # one more in the last place: CPUs sum in different orders


def test_the_top_layer_of_three_streams_with_state(bilm: BiLM, parity: Path, streams: list[list[list[str]]]) -> None:
    recorded = [h5py.File(parity / f"lm_embeddings_{index}.hdf5", "r") for index in range(3)]
    state: BilmState | None = None
    for k in range(10):
        layers, mask, state = bilm(batch_to_ids([stream[k] for stream in streams]), state)
        for row, file in enumerate(recorded):
            length = int(mask[row].sum())
            ahead, behind = layers[row, -1, :length].chunk(2, dim=1)
            assert_equal_to_1e_6(torch.stack([ahead, behind]), file[str(k)][...])
    for file in recorded:
        file.close()


def test_token_vectors_without_context(bilm: BiLM, parity: Path) -> None:
    words = (parity / "vocab_test.txt").read_text(encoding="utf-8").rstrip("\n").split("\n")
    with h5py.File(parity / "elmo_token_embeddings.hdf5", "r") as file:
        assert_equal_to_1e_6(bilm.token_encoder(encode_words(words)), file["embedding"][...])


def test_without_state_a_sentence_is_its_own(bilm: BiLM, streams: list[list[list[str]]]) -> None:
    sentences = [sentence for stream in streams for sentence in stream]
    together = bilm(batch_to_ids(sentences)).layers
    for row, words in enumerate(sentences):
        alone = bilm(batch_to_ids([words])).layers[0]
        torch.testing.assert_close(together[row, :, : len(words)], alone, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", ["{0}", "{0}/options.json,{0}/lm_weights.hdf5"])
def test_it_loads_by_its_folder_and_by_its_files(parity: Path, bilm: BiLM, name: str) -> None:
    for ours, theirs in zip(load_bilm(name.format(parity)).parameters(), bilm.parameters(), strict=True):
        assert torch.equal(ours, theirs)
