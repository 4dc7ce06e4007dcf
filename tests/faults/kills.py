"""Kills at random times: a resumed command ends as if it had not been killed.

    python tests/faults/kills.py COUNT FIRST [VERB...]

makes COUNT kills, in courses numbered from FIRST on, of these verbs or of all. The number of a course decides its verb,
its signals and when they come, as a part of the time that the verb takes. Commands run in forks of one process, so that
a kill costs a second; the processes of a benchmark or a search start anew and take some.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import forks
import torch
from forks import Ended
from safetensors import safe_open
from workshop import NER, PRETRAINING, TEXT

from elmo_tasks.corpus_vectors import sentence_block
from elmo_tasks.elmo.bilm import BiLM
from elmo_tasks.elmo.engine.runner import Engine
from elmo_tasks.elmo.options import BilmOptions
from elmo_tasks.elmo.weights.safetensors import write_safetensors

MEASURED = (
    "second",
    "peak",
    "epoch_seconds",
    "tokens_per_second",
    "rss",
    "command",
    "machine",
    "commit",
    "date",
    "checksum",
)
"""Substrings of the names of values that differ from run to run."""
UNREAD = (".seal", "epochs.csv", "README.md", "report.html", "report.md", "trials.db")
"""Files that contain measured values."""
BY_SITTING = ("logs", "log", "tensorboard", "checkpoints", "corpus")
"""Folders about the making of a result; `pretrain` removes the last two once its folder has its final name."""


@dataclass(frozen=True)
class Verb:
    """words: the command, whose output is `out` in the current folder; read: reads its output for comparison."""

    words: tuple[str, ...]
    output: str
    resume: tuple[str, ...] = ("--resume",)


@dataclass
class Place:
    """Inputs, and for each command its undisturbed output and duration."""

    folder: Path
    verbs: dict[str, Verb]
    prepare: Callable[[Path], Callable[[], object]]
    whole: dict[str, dict[str, Any]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


def make_place(folder: Path, *only: str) -> Place:
    """Write the inputs and run every verb undisturbed, or `only` these."""
    forks.import_what_commands_import()
    (folder / "ner").mkdir(parents=True)
    for split, times in (("train", 8), ("dev", 2), ("test", 2)):
        (folder / "ner" / f"{split}.txt").write_text(NER * times, encoding="utf-8")
    (folder / "text.txt").write_text(TEXT * 4, encoding="utf-8")
    options = PRETRAINING | {"n_epochs": 1, "checkpoint_windows": 2, "accumulate": 2}
    (folder / "pretrain.yaml").write_text(json.dumps(options), encoding="utf-8")
    torch.manual_seed(0)
    bilm = BiLM(BilmOptions(char_dim=3, filters=((1, 4), (2, 5)), n_highway=1, cell_dim=6, projection_dim=4))
    write_safetensors(bilm, folder / "bilm" / "bilm.safetensors")
    Engine(bilm).embed([["compiled", "before", "the", "forks"], ["so"]])
    Engine(bilm).embed([["and", "alone"]])
    elmo, ner, text = f"elmo:{folder / 'bilm'}", str(folder / "ner"), str(folder / "text.txt")
    fast = [word for key in ("hidden=3", "layers=1") for word in ("--set", f"model.{key}")]
    fast += [word for key in ("epochs=4", "min_updates=0", "batch_size=4") for word in ("--set", f"training.{key}")]
    pretraining = ("--corpus", text, "--config", str(folder / "pretrain.yaml"), "--heldout", text)
    grid = ("--data", f"ner={ner}", "--embedders", "random", "--baseline", "random", "--seeds", "2")
    (folder / "space.yaml").write_text("training.learning_rate: {low: 0.001, high: 0.1, log: true}\n", encoding="utf-8")
    search = ("--data", ner, "--embedders", "random", "chars", "--space", str(folder / "space.yaml"), "--trials", "2")
    verbs = {
        "train": Verb(("train", "ner", "--data", ner, "--embedders", elmo, "random", "--output", "out", *fast), "out"),
        "embed": Verb(("embed", elmo, text, "--output", "out.hdf5"), "out.hdf5"),
        "pretrain": Verb(("pretrain", *pretraining, "--output", "out"), "out"),
        "benchmark": Verb(("benchmark", "ner", *grid, *fast, "--jobs", "2", "--output", "out"), "out", ()),
        "tune": Verb(("tune", "ner", *search, *fast, "--jobs", "2", "--output", "out"), "out", ()),
    }
    verbs = {name: verb for name, verb in verbs.items() if name in only or not only}

    def prepare(cache: Path) -> Callable[[], object]:
        def inside() -> None:
            sentence_block.MOST_TOKENS = 24  # so that a small text has several blocks
            os.environ["ELMO_TASKS_CACHE"] = str(cache)
            os.environ.pop("ELMO_TASKS_DATA", None)

        return inside

    place = Place(folder, verbs, prepare)
    for name, verb in verbs.items():
        here = _fresh(folder / "whole")
        began = time.monotonic()
        ended = forks.run(verb.words, here, folder / "said", prepare(folder / "cache"))
        assert ended.code == 0, (name, ended)
        place.seconds[name] = time.monotonic() - began
        place.whole[name] = result(here / verb.output)
        (folder / "made").mkdir(exist_ok=True)
        (here / verb.output).rename(folder / "made" / name)
    return place


def course(place: Place, number: int) -> tuple[int, list[str]]:
    """Kill a command one to three times, resume it and compare. Returns the number of kills, and the faults."""
    draw = random.Random(number)
    name = list(place.verbs)[number % len(place.verbs)]
    verb, here = place.verbs[name], _fresh(place.folder / "here")
    prepare, said = place.prepare(here / "cache"), place.folder / "said"
    work = here / "work"
    work.mkdir()
    kills, wrong = 0, []
    for _ in range(draw.choice((1, 1, 2, 3))):
        if _is_finished(work / verb.output, name):
            break  # the command was faster, or killed after all was done
        signal_number = draw.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGTERM))
        fork = forks.start([*verb.words, *verb.resume], work, said, prepare)
        ended = forks.kill_after(fork, draw.uniform(0.02, 1.0) * place.seconds[name], signal_number)
        if ended.code != 0:
            kills += 1
            wrong += _bad_end(ended, signal_number)
        wrong += [f"left {path.name}" for path in work.iterdir() if not _is_its_own(path.name, verb.output)]
    if not _is_finished(work / verb.output, name):
        ended = forks.run([*verb.words, *verb.resume], work, said, prepare)
        if ended.code != 0:
            wrong.append(f"cannot be resumed: {ended.code} {ended.err[-500:]}")
        wrong += [f"left {path.name}" for path in work.iterdir() if path.name != verb.output]
    if not wrong:
        found, expected = result(work / verb.output), place.whole[name]
        keys = sorted(found.keys() | expected.keys())
        wrong = [f"{key} differs" for key in keys if found.get(key) != expected.get(key)]
    return kills, [f"{name}: {each}" for each in wrong]


def campaign(place: Place, count: int, first: int = 0) -> tuple[int, int, dict[int, list[str]]]:
    """Make `count` kills, in courses from the first on. Returns the kills, the courses, and the faults by course."""
    kills, number, found = 0, first, dict[int, list[str]]()
    while kills < count:
        more, wrong = course(place, number)
        kills += more
        if wrong:
            found[number] = wrong
        number += 1
    return kills, number - first, found


def _bad_end(ended: Ended, number: int) -> list[str]:
    """What is wrong with the end of a command that received this signal."""
    if ended.code == -number:  # SIGTERM too: before the command has set its handler
        return ["said something"] if "Traceback" in ended.err else []
    if number == signal.SIGTERM and ended.code == 128 + number:
        lines = [line for line in ended.err.splitlines() if "interrupted by SIGTERM" in line]
        return [] if len(lines) == 1 and "Traceback" not in ended.err else [f"said {ended.err!r}"]
    return [f"ended with {ended.code} after signal {number}: {ended.err[-2000:]}"]


def _is_its_own(name: str, output: str) -> bool:
    return name == output or name.startswith(f".{output}.")


def _is_finished(output: Path, verb: str) -> bool:
    return output.exists() and verb not in ("benchmark", "tune")


def result(output: Path) -> dict[str, Any]:
    """The output of a command without measured values: the content of files by path."""
    if output.is_file():
        return {output.name: _content(output)}
    found = {path.relative_to(output): path for path in sorted(output.rglob("*"))}
    return {name.as_posix(): _content(path) for name, path in found.items() if not set(BY_SITTING) & set(name.parts)}


def _content(path: Path) -> Any:
    """The bytes of a file; for JSON its value; for safetensors the tensors and the metadata, whose order is random."""
    if path.is_dir() or path.suffix in (".png", ".svg") or path.name in UNREAD:
        return "is there"
    if path.suffix == ".json":
        return _unmeasured(json.loads(path.read_text("utf-8")))
    if path.suffix == ".safetensors":
        with safe_open(path, framework="np") as file:
            return {key: file.get_tensor(key).tobytes() for key in list(file.keys())} | (file.metadata() or {})
    return path.read_bytes()


def _unmeasured(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _unmeasured(each) for key, each in value.items() if not any(part in key for part in MEASURED)}
    return [_unmeasured(each) for each in value] if isinstance(value, list) else value


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


if __name__ == "__main__":
    import tempfile

    count, first = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    with tempfile.TemporaryDirectory() as at:
        place = make_place(Path(at) / "place", *sys.argv[3:])
        began = time.monotonic()
        kills, courses, found = campaign(place, count, first)
    for number, wrong in found.items():
        print(f"course {number}: {'; '.join(wrong)}")
    took = time.monotonic() - began
    print(f"{kills} kills in courses {first} to {first + courses - 1}, {took:.0f} s, {len(found)} courses with faults")
    sys.exit(1 if found else 0)
