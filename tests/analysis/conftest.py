"""A tiny biLM, and an embedder whose vectors are written by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor

from elmo_tasks.elmo.bilm import BiLM
from elmo_tasks.elmo.options import BilmOptions
from elmo_tasks.elmo.weights.safetensors import write_safetensors


class ByHand:
    """A word's vectors by the word that stands before it: `vectors[before, word]` is (L, D)."""

    name, fingerprint = "by hand", "by-hand"

    def __init__(self, vectors: Mapping[tuple[str, str], Sequence[Sequence[float]]]) -> None:
        self.vectors = {key: torch.tensor(value) for key, value in vectors.items()}
        self.n_layers, self.width = next(iter(self.vectors.values())).shape
        self.calls: list[int] = []

    def embed(self, sentences: Sequence[Sequence[str]]) -> list[Tensor]:
        self.calls.append(len(sentences))
        nothing = torch.zeros(self.n_layers, self.width)
        return [
            torch.stack([self.vectors.get(pair, nothing) for pair in zip(["", *words], words, strict=False)], 1)
            for words in sentences
        ]


@pytest.fixture(scope="session")
def tiny_bilm(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The file of a biLM of three layers of 12."""
    path = tmp_path_factory.mktemp("bilm") / "bilm.safetensors"
    options = BilmOptions(char_dim=4, filters=((1, 4), (3, 8)), n_highway=1, cell_dim=16, projection_dim=6)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        write_safetensors(BiLM(options), path)
    return str(path)


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in; nothing else is in reach."""
    monkeypatch.setenv("ELMO_TASKS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("ELMO_TASKS_DATA", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="session")
def by_hand() -> type[ByHand]:
    return ByHand
