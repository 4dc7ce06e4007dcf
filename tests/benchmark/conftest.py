"""A corpus that trains in a moment, and finished cells made by hand for the report."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from elmo_tasks.benchmark.cell import cell_name
from elmo_tasks.runs.experiment import load_experiment, to_yaml
from elmo_tasks.runs.outcomes import Outcomes, write_outcomes

MakeCell = Callable[..., Path]


@pytest.fixture(autouse=True)
def _own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELMO_TASKS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("ELMO_TASKS_DATA", raising=False)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A folder with 20 / 4 / 4 sentences."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    for split, count in (("train", 20), ("dev", 4), ("test", 4)):
        rows = [f"Ada{n} B-PER\nsees O\nRome{n} B-LOC\n" for n in range(count)]
        (folder / f"{split}.txt").write_text("\n".join(rows), encoding="utf-8")
    return folder


@pytest.fixture
def make_cell(tmp_path: Path) -> MakeCell:
    """Write a finished cell below `tmp_path / "grid"`: `right` of 8 spans in each of 40 sentences a value of it."""

    def make(
        embedders: Sequence[str] = ("glove",),
        seed: int = 1,
        fraction: float = 100,
        right: int = 5,
        task: str = "ner",
        text: str = "the same",
        mix: dict[str, object] | None = None,
        **training: object,
    ) -> Path:
        given = {"task": task, "data": "conll2003", "embedders": list(embedders), "seed": seed}
        experiment = load_experiment([], given | {"training": {"fraction": fraction, **training}})
        folder = tmp_path / "grid" / "cells" / cell_name(experiment)
        folder.mkdir(parents=True)
        (folder / "config.yaml").write_text(to_yaml(experiment))
        draw = np.random.default_rng([seed, right, int(fraction)])
        counts = np.stack([draw.binomial(8, right / 8, 40), np.full(40, 8), np.full(40, 8)], axis=1)
        score = float(counts[:, 0].sum() / 320)
        metrics = {
            "task": task,
            "data": "conll2003",
            "seed": seed,
            "embedders": list(embedders),
            "headline": "f1",
            "command": "elmo-tasks train ner",
            "dev": {"f1": score + 0.02},
            "test": {"f1": score},
            "mix": mix or {},
            "epochs": 3,
            "best_epoch": 2,
            "train_examples": 100,
            "frozen_parameters": 20_000_000,
            "trained_parameters": 1_234_567,
            "frozen_bytes": 80_000_000,
            "model_bytes": 5_000_000,
            "threads": 2,
            "seconds": 90.0,
            "training_seconds": 60.0 + seed,
            "seconds_per_epoch": 20.0,
            "tokens_per_second": 12_345.6,
            "peak_rss_mb": 1024.0,
        }
        (folder / "metrics.json").write_text(json.dumps(metrics))
        (folder / "epochs.csv").write_text("epoch,loss,dev\n0,3,0.1\n1,2,0.2\n2,1,0.3\n")
        write_outcomes(folder, Outcomes(text, counts))
        return folder

    return make
