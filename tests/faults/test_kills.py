"""Kills at random times and while a checkpoint is written: a resumed command ends as if it had not been killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import forks
import pytest
import torch
from kills import Place, campaign, result

from elmo_tasks.runs.folder import LAST

pytestmark = pytest.mark.slow


def test_kills_at_random_moments(place: Place) -> None:
    """A few kills; `make faults` makes two hundred."""
    _, _, found = campaign(place, 12)
    assert not found


def within_a_checkpoint(number: int, send: int, prepare: Callable[[], object]) -> Callable[[], None]:
    """Send a signal when checkpoint `number` (from 1) of `last.ckpt` is half-written."""

    def inside() -> None:
        prepare()
        whole, saves = torch.save, 0

        def half(value: object, file: object, *arguments: object, **options: object) -> None:
            nonlocal saves
            saves += "last.ckpt" in str(getattr(file, "name", file))
            if saves == number:
                saves += 1
                file.write(b"half of it")
                file.flush()
                os.kill(os.getpid(), send)
            whole(value, file, *arguments, **options)

        torch.save = half

    return inside


@pytest.mark.parametrize("send", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("number", [1, 2, 4])
@pytest.mark.parametrize("name", ["pretrain", "train"])
def test_a_signal_within_a_checkpoint(place: Place, tmp_path: Path, name: str, number: int, send: int) -> None:
    """The previous checkpoint stays until the new one is complete, and the final output has no partial one."""
    verb, prepare = place.verbs[name], place.prepare(tmp_path / "cache")
    here = tmp_path / "here"
    here.mkdir()
    ended = forks.run(verb.words, here, tmp_path / "said", within_a_checkpoint(number, send, prepare))
    assert ended.code == (-send if send == signal.SIGKILL else 128 + send), ended
    assert (here / ".out.unfinished" / LAST).exists() == (number > 1)
    if number > 1:
        torch.load(here / ".out.unfinished" / LAST, weights_only=True)
    resumed = forks.run([*verb.words, "--resume"], here, tmp_path / "said", prepare)
    assert resumed.code == 0, resumed
    assert result(here / "out") == place.whole[name]
    assert [path.name for path in here.iterdir()] == ["out"]
    assert not list(here.rglob("*.partial"))
