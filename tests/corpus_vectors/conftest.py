"""A text with everything that is odd, and a tiny biLM."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from elmo_tasks.corpus_vectors import sentence_block
from elmo_tasks.elmo.bilm import BiLM
from elmo_tasks.elmo.options import BilmOptions
from elmo_tasks.elmo.weights.safetensors import write_safetensors

LINES = [
    "The cat sat .",
    "",
    "A  cat\tsat .",
    "naïve 日本 \U0001f600 x",
    "The cat sat .",
    "   ",
    *["so it goes on"] * 12,
    "end",
]


@pytest.fixture
def text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """19 lines that make 5 blocks; nothing is in the cache and nothing else is in reach."""
    monkeypatch.setattr(sentence_block, "MOST_TOKENS", 16)
    monkeypatch.setenv("ELMO_TASKS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "text.txt"
    path.write_text("\n".join(LINES) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def bilm(tmp_path: Path) -> str:
    """The name of an embedder of 3 layers of 12 numbers."""
    torch.manual_seed(0)
    options = BilmOptions(char_dim=4, filters=((1, 4), (3, 8)), n_highway=1, cell_dim=16, projection_dim=6)
    write_safetensors(BiLM(options), tmp_path / "bilm.safetensors")
    return f"elmo:{tmp_path / 'bilm.safetensors'}"
