"""Our own files are checked like anybody's when they are read back: shape, and the checksum where there is one."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from corpora import make_corpus
from elmo_tasks.core.errors import InputError
from elmo_tasks.core.folders import mark
from elmo_tasks.runs.checkpoint import check_checkpoint
from elmo_tasks.runs.experiment import load_experiment
from elmo_tasks.runs.folder import CHECKED, checksums, read_epochs, read_metrics
from elmo_tasks.runs.outcomes import read_outcomes
from elmo_tasks.runs.store import load_trained
from elmo_tasks.training.train import train

SETTINGS = ("model.hidden=2", "training.epochs=2", "training.min_updates=0")
READERS: dict[str, Callable[[Path], object]] = {
    "epochs.csv": lambda run: read_epochs(run, read_metrics(run)),
    "outcomes.test.json": read_outcomes,
    "words.txt": load_trained,
    "model.safetensors": load_trained,
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own-files")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ELMO_TASKS_CACHE", str(folder / "cache"))
        given = {"data": str(make_corpus(folder / "corpus")), "embedders": ["random"]}
        train(load_experiment([], given, SETTINGS), folder / "run", tell=lambda line: None)
    return folder


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    return shutil.copytree(trained / "run", tmp_path / "run")


def test_every_checksum_has_a_reader() -> None:
    assert READERS.keys() == set(CHECKED)


@pytest.mark.parametrize("name", CHECKED)
def test_any_changed_byte_is_noticed(run: Path, name: str) -> None:
    READERS[name](run)
    whole = (run / name).read_bytes()
    draw = random.Random(name)
    for _ in range(40):
        changed = bytearray(whole or b" ")
        changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
        (run / name).write_bytes(changed)
        with pytest.raises(InputError, match=r"damaged|format") as refusal:
            READERS[name](run)
        assert "\n" not in str(refusal.value)
    (run / name).write_bytes(whole[: len(whole) // 2] or b" ")
    with pytest.raises(InputError, match="damaged"):
        READERS[name](run)
    (run / name).unlink()
    with pytest.raises(InputError, match="not the folder of a finished run: it has no"):
        READERS[name](run)


@pytest.mark.parametrize(
    "rows",
    [
        "dev\nx\n0.5\n",
        "dev\n0.5\n",
        "epoch\n0\n1\n",
        "dev\nnan\n1\n",
        "dev,loss\n0.5\n1,2\n",
        "dev\n0.5,2\n1\n",
        'dev\n"0.5\n',
        "dev\n\0\n1\n",
    ],
)
def test_the_shape_of_epochs_where_an_older_run_has_no_checksums(run: Path, rows: str) -> None:
    metrics = {key: value for key, value in read_metrics(run).items() if key != "checksums"}
    (run / "epochs.csv").write_text(rows)
    with pytest.raises(InputError, match=r"epochs.csv: damaged"):
        read_epochs(run, metrics)


@pytest.mark.parametrize(
    "changes",
    [
        {"checksums": []},
        {"checksums": {"words.txt": 3}},
        {"fingerprints": "x"},
        {"fingerprints": {"random": None}},
        {"arithmetic": 1},
        {"mix": {"random": 3}},
        {"mix": {"random": {"weights": [None]}}},
        {"dev": {}},
        {"embedders": [3]},
    ],
)
def test_the_shape_of_metrics(run: Path, changes: dict[str, Any]) -> None:
    path = run / "metrics.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    with pytest.raises(InputError, match=r"metrics.json: damaged"):
        read_metrics(run)


def test_a_run_says_what_its_files_were(run: Path) -> None:
    assert read_metrics(run)["checksums"] == checksums(run)
    assert set(checksums(run)) == set(CHECKED)


@pytest.mark.parametrize("name", ["last.ckpt", "best.ckpt"])
def test_a_damaged_checkpoint_is_not_resumed(trained: Path, tmp_path: Path, name: str) -> None:
    experiment = load_experiment([trained / "run" / "config.yaml"])
    work, refusals = tmp_path / ".run.unfinished", list[str]()
    for place in (0.2, 0.9, 0.99):
        shutil.copytree(trained / "run", work)
        mark(work, "unfinished run")
        path = work / "checkpoints" / name
        changed = bytearray(path.read_bytes())
        changed[int(place * len(changed))] ^= 16
        path.write_bytes(changed)
        try:
            train(experiment, tmp_path / "run", resume=True, tell=lambda line: None)
        except InputError as error:
            refusals.append(str(error))
            shutil.rmtree(work)
        else:  # padding, or a header that nobody reads
            shutil.rmtree(tmp_path / "run")
    assert refusals
    assert all(f"{name}: the checkpoint is damaged" in refusal and "\n" not in refusal for refusal in refusals)


def test_checkpoints_are_checked_whole(trained: Path, tmp_path: Path) -> None:
    """Every byte that torch reads is under a checksum or makes the archive unreadable."""
    import torch

    path = tmp_path / "a.ckpt"
    whole = (trained / "run" / "checkpoints" / "best.ckpt").read_bytes()
    path.write_bytes(whole)
    check_checkpoint(path)
    expected = repr(torch.load(path, weights_only=True))
    draw, noticed = random.Random(0), 0
    for _ in range(60):
        changed = bytearray(whole)
        changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
        path.write_bytes(changed)
        try:
            check_checkpoint(path)
        except InputError:
            noticed += 1
        else:  # padding, or a header that nobody reads
            assert repr(torch.load(path, weights_only=True)) == expected
    assert noticed > 20
