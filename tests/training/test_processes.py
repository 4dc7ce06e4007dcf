"""Real processes on one run folder: two at once, killed ones, and ones whose folder has been moved."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from elmo_tasks.cli import main
from elmo_tasks.runs.evaluate import evaluate
from elmo_tasks.runs.experiment import load_experiment
from elmo_tasks.runs.folder import LAST
from elmo_tasks.training.train import train

FORK = multiprocessing.get_context("fork")  # a fork has torch in memory already
SETTINGS = ("model.hidden=4", "training.epochs=4", "training.batch_size=8", "training.min_updates=1")


def start(work: Callable[..., Any], *arguments: Any) -> Any:
    process = FORK.Process(target=work, args=arguments)
    process.start()
    return process


def run_verb(words: list[str], said: Path) -> None:
    """Run the command line in this process, with its output in a file."""
    with said.open("w") as sys.stderr:
        code = main(words)
    os._exit(code)


def verb(corpus: Path, output: Path, seed: int) -> list[str]:
    words = ["train", "ner", "--data", str(corpus), "--embedders", "random", "--output", str(output)]
    return [*words, "--seed", str(seed), *(word for setting in SETTINGS for word in ("--set", setting))]


def test_two_trainings_into_one_folder(corpus: Path, tmp_path: Path) -> None:
    """Of different seeds, started at many distances in time: one is refused in one line, the other's run is whole."""
    run_verb_alone = start(run_verb, verb(corpus, tmp_path / "alone", 1), tmp_path / "said")
    began = time.monotonic()
    run_verb_alone.join()
    takes = time.monotonic() - began
    for number, offset in enumerate((0.0, 0.01, 0.1, 0.4, 0.9)):
        output = tmp_path / str(number) / "run"
        pair = []
        for seed in (1, 2):
            pair.append(start(run_verb, verb(corpus, output, seed), tmp_path / f"said{seed}"))
            if seed == 1:
                time.sleep(offset * takes)
        for process in pair:
            process.join()
        codes = [process.exitcode for process in pair]
        assert sorted(codes) == [0, 2], (offset, codes)
        seed = 1 + codes.index(0)
        said = (tmp_path / f"said{3 - seed}").read_text()
        assert (said.count("\n") == 1 and "writing it" in said) or "already exists" in said, said
        metrics = json.loads((output / "metrics.json").read_text())
        assert metrics["seed"] == seed and f"seed: {seed}\n" in (output / "config.yaml").read_text()
        assert evaluate(output, None, "test")[0] == metrics["test"]
        assert [path.name for path in output.parent.iterdir()] == ["run"]


def killed_while_it_saves(experiment: Any, output: Path, epoch: int) -> None:
    """Train, and die while writing the checkpoint after that epoch (from 1)."""
    whole, saves = torch.save, 0

    def half(value: Any, place: Any, *arguments: Any, **options: Any) -> None:
        nonlocal saves
        whole(value, place, *arguments, **options)
        saves += "last.ckpt" in place.name
        if saves == epoch:
            os.truncate(place.name, 100)
            os.kill(os.getpid(), signal.SIGKILL)

    torch.save = half
    train(experiment, output, tell=lambda line: None)


@pytest.fixture
def experiment(corpus: Path) -> Any:
    settings = [*SETTINGS, "training.epochs=8", "training.learning_rate=0.05", "training.patience=8"]
    return load_experiment([], {"data": str(corpus), "embedders": ["random"], "seed": 1}, settings)


def results(folder: Path) -> dict[str, Any]:
    tensors = {name: value.tolist() for name, value in load_file(folder / "model.safetensors").items()}
    return tensors | {name: (folder / name).read_text() for name in ("predictions.test.txt", "outcomes.test.json")}


@pytest.mark.parametrize("epoch", [1, 2, 4])
def test_a_kill_within_a_checkpoint_loses_one_epoch(experiment: Any, tmp_path: Path, epoch: int) -> None:
    """The checkpoint before stays until the new one is whole."""
    train(experiment, tmp_path / "whole", tell=lambda line: None)
    process = start(killed_while_it_saves, experiment, tmp_path / "run", epoch)
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert (tmp_path / ".run.unfinished" / LAST).exists() == (epoch > 1)
    lines: list[str] = []
    train(experiment, tmp_path / "run", tell=lines.append, resume=epoch > 1)
    assert len(lines) == 8 - (epoch - 1)
    assert results(tmp_path / "run") == results(tmp_path / "whole")


def test_a_run_that_has_been_moved(experiment: Any, tmp_path: Path) -> None:
    """It goes on with its own weights, not with those that another run has left at the former place."""
    one, other = tmp_path / "one", tmp_path / "other"
    experiment = replace(experiment, training=replace(experiment.training, final_rate=0.0))
    whole = train(experiment, tmp_path / "whole", tell=lambda line: None)
    assert whole.metrics["best_epoch"] < 7  # the last epoch learns nothing, so nothing better comes after the move
    process = start(killed_while_it_saves, experiment, one / "run", 8)
    process.join()
    assert process.exitcode == -signal.SIGKILL
    one.rename(other)
    shutil.copytree(other, one)
    poison = torch.load(other / ".run.unfinished/checkpoints/best.ckpt", weights_only=True)
    for tensor in poison["state_dict"].values():
        tensor.zero_()
    torch.save(poison, one / ".run.unfinished/checkpoints/best.ckpt")
    train(experiment, other / "run", tell=lambda line: None, resume=True)
    assert results(other / "run") == results(tmp_path / "whole")
