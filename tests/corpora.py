"""Made-up corpora: of tagged sentences, and of text for pre-training with the options of a tiny biLM."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from elmo_tasks.pretraining.settings import PretrainConfig, from_options

NAMES = ("Ada", "Bo", "Cy", "Di", "Ed", "Flo")
WORDS = [
    "the",
    "a",
    "cat",
    "dog",
    "bird",
    "sees",
    "hears",
    "likes",
    "one",
    "two",
    "red",
    "blue",
    "Köln",
    "runs",
    "sleeps",
    ".",
    ",",
    "and",
]
CITIES = ("Rome", "Oslo", "Lima", "Bonn")


def sentence(person: str, city: str, long: bool) -> str:
    rows = [(person, "B-PER"), ("lives", "O"), ("in", "O"), (city, "B-LOC"), (".", "O")]
    rows = [("Today", "O"), *rows] if long else rows
    return "".join(f"{token} {tag}\n" for token, tag in rows)


def make_corpus(folder: Path) -> Path:
    """A folder with 24 / 6 / 6 sentences that a model learns in a few epochs."""
    folder.mkdir()
    pairs = [(name, city) for name in NAMES for city in CITIES]
    chosen = {"train": pairs, "dev": pairs[::4], "test": pairs[1::4]}
    for split, part in chosen.items():
        texts = [sentence(name, city, index % 2 == 0) for index, (name, city) in enumerate(part)]
        (folder / f"{split}.txt").write_text("\n".join(texts), encoding="utf-8")
    return folder


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return make_corpus(tmp_path / "corpus")


@pytest.fixture(scope="session")
def pretraining_options() -> dict[str, Any]:
    """Options of a tiny biLM, with bilm-tf's keys and ours."""
    return {
        "bidirectional": True,
        "char_cnn": {
            "activation": "relu",
            "embedding": {"dim": 8},
            "filters": [[1, 8], [2, 16], [3, 32]],
            "max_characters_per_token": 50,
            "n_characters": 261,
            "n_highway": 1,
        },
        "lstm": {
            "cell_clip": 3,
            "dim": 96,
            "n_layers": 2,
            "proj_clip": 3,
            "projection_dim": 24,
            "use_skip_connections": True,
        },
        "dropout": 0.1,
        "batch_size": 4,
        "unroll_steps": 10,
        "n_negative_samples_batch": 12,
        "all_clip_norm_val": 1.0,
        "n_epochs": 2,
        "n_train_tokens": 768648884,
        "optimizer": "adamw",
        "learning_rate": 5e-3,
        "precision": "32",
    }


@pytest.fixture(scope="session")
def pretraining_config(pretraining_options: dict[str, Any]) -> Callable[..., PretrainConfig]:
    """The same as a configuration, some keys changed."""
    return lambda **changes: from_options(pretraining_options | changes, "test")


@pytest.fixture
def text(tmp_path: Path) -> Path:
    """100 sentences of 4 to 8 words that no grammar explains: they must be learned by heart."""
    generator = torch.Generator().manual_seed(1)
    lines = []
    for _ in range(100):
        length = int(torch.randint(4, 9, (1,), generator=generator))
        lines.append(" ".join(WORDS[i] for i in torch.randint(len(WORDS), (length,), generator=generator)))
    path = tmp_path / "text.txt"
    path.write_text("\n".join(lines) + "\n")
    return path
