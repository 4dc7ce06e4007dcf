"""Bad inputs and the requirements for each: the runner, and the promises to users that it checks.

One process runs all of them, so that torch is imported once. A *target* is a command and the file of its input that is
damaged; a *damage* is what happens to the bytes of that file.
"""

from __future__ import annotations

import io
import os
import random
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path

from damage import damage
from targets import TARGETS, Target
from workshop import Workshop, make_workshop

from elmo_tasks import ElmoEmbedder, ElmoTagger, InputError, frozen_embedder, load, load_data, load_task
from elmo_tasks.cli import main
from elmo_tasks.core.terminal import say
from elmo_tasks.elmo import Elmo, batch_to_ids

SECONDS, AT_MOST = 20, 120
"""Processor time and wall-clock time that one input may take. Most take a few milliseconds."""
SENTENCES = [["the", "dog", "barked"], ["rain"]]


def _load(folder: str) -> None:
    load(folder)([["Ada", "sees", "Rome"]])


ENTRY_POINTS: dict[str, Callable[..., object]] = {
    "load": _load,
    "tagger": lambda folder: ElmoTagger.load(folder).predict(SENTENCES),
    "embedder": lambda name: list(ElmoEmbedder.from_pretrained(name).embed_sentences(SENTENCES)),
    "elmo": lambda options, weights: Elmo(options, weights, 1)(batch_to_ids(SENTENCES)),
    "load_data": lambda folder, task: load_data(folder, load_task(task).read),
    "frozen_embedder": lambda name: frozen_embedder(name).embed(SENTENCES),
}


def _python(name: str, *given: str) -> int:
    """Call a function of the Python API; its InputError corresponds to the one line of a command."""
    try:
        ENTRY_POINTS[name](*given)
    except InputError as error:
        lines = str(error).split("\n")  # what a terminal must not show raw is the caller's to escape, breaks are not
        for line in lines:
            say(line, stream=sys.stderr)
        return 2
    return 0


@dataclass
class Finished:
    """What a command did: exit code, both outputs, what it changed, and the traceback if it raised."""

    code: int | None
    out: str
    err: str
    changed: list[str] = field(default_factory=list)
    raised: str = ""


def run(arguments: Sequence[str], folder: Path) -> Finished:
    """Run a command in this process, as the shell would; stopped when it takes too long."""
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()

    def late(*_: object) -> None:
        raise TimeoutError(f"took over {SECONDS} s")

    before = {kind: signal.signal(kind, late) for kind in (signal.SIGALRM, signal.SIGPROF)}
    code, raised = None, ""
    signal.alarm(AT_MOST)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    os.chdir(folder)
    try:
        with redirect_stdout(out), redirect_stderr(err):
            code = _python(*arguments[1:]) if arguments[0] == "python" else main(list(arguments))
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 1
    except BaseException:  # all that a user would see as a traceback
        raised = traceback.format_exc()
    finally:
        signal.alarm(0)
        signal.setitimer(signal.ITIMER_PROF, 0)
        for kind, handler in before.items():
            signal.signal(kind, handler)
    out.flush()
    return Finished(code, out.buffer.getvalue().decode("utf-8", "replace"), err.getvalue(), raised=raised)  # type: ignore[attr-defined]


def snapshot(folder: Path) -> dict[str, tuple[int, bytes] | None]:
    """Every file below a folder with its mode and content; None for folders."""
    return {
        str(path.relative_to(folder)): None if path.is_dir() else (path.lstat().st_mode, path.read_bytes())
        for path in sorted(folder.rglob("*"))
    }


def try_input(target: Target, workshop: Workshop, here: Path, seed: int | None) -> Finished:
    """Copy what the target needs to `here`, damage it by `seed` (None: leave it as it is), run the command, and say
    what it changed."""
    shutil.rmtree(here, ignore_errors=True)
    here.mkdir()
    for name in target.files:
        source = workshop.folder / name
        copy: Callable[..., object] = shutil.copytree if source.is_dir() else shutil.copy
        (here / name).parent.mkdir(exist_ok=True)
        copy(source, here / name)
    damaged = here / target.damaged
    if seed is not None:
        draw = random.Random(f"{target.name}-{seed}")
        damaged.write_bytes(damage(damaged.read_bytes(), draw, text=target.text))
    before = snapshot(here)
    done = run([word.replace("{}", str(here)).replace("{w}", str(workshop.folder)) for word in target.command], here)
    after = snapshot(here)
    done.changed = [
        name
        for name in sorted(before.keys() | after.keys())
        if before.get(name, 0) != after.get(name, 0) and name.split("/")[0] not in target.output
    ]
    return done


def faults_of(done: Finished) -> list[str]:
    """The promises to users that are broken; there should be none."""
    broken = []
    if done.raised:
        broken.append(f"raised: {done.raised.strip().splitlines()[-1]}")
    elif done.code not in (0, 2) and not 128 < (done.code or 0) < 160:
        broken.append(f"exit code {done.code}: {done.err[-300:]!r}")
    errors = done.err.strip().splitlines()
    if done.code == 2 and len(errors) != 1:
        broken.append(f"{len(errors)} lines on stderr: {done.err!r}")
    if "Traceback" in done.err or "Traceback" in done.out:
        broken.append(f"a traceback: {done.err[-2000:]}")
    if any(ord(sign) < 32 and sign not in "\n\t" for sign in done.err):
        broken.append(f"control characters on stderr: {done.err!r}")
    if done.changed:
        broken.append(f"changed {', '.join(done.changed)}")
    return broken


def campaign(
    workshop: Workshop, here: Path, count: int, first: int = 0, targets: Mapping[str, Target] | None = None
) -> dict[str, list[str]]:
    """Try `count` inputs, spread evenly over the targets. Returns the faults by `target#seed`."""
    chosen = list((targets or {target.name: target for target in TARGETS}).values())
    found: dict[str, list[str]] = {}
    for number in range(first, first + count):
        target, seed = chosen[number % len(chosen)], number // len(chosen)
        if broken := faults_of(try_input(target, workshop, here, seed)):
            found[f"{target.name}#{seed}"] = broken
    return found


if __name__ == "__main__":  # python tests/faults/faulty.py COUNT FIRST: a longer campaign, its faults on stdout
    import tempfile
    import time

    count, first = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    with tempfile.TemporaryDirectory() as place:
        os.environ |= {"ELMO_TASKS_CACHE": f"{place}/cache", "HF_HUB_OFFLINE": "1"}
        os.environ.pop("ELMO_TASKS_DATA", None)
        made, started = make_workshop(Path(place) / "workshop", run), time.monotonic()
        faults = campaign(made, Path(place) / "here", count, first)
        os.chdir("/")
    for name, broken in faults.items():
        print(f"{name}: {'; '.join(broken)}")
    print(f"{count} inputs in {time.monotonic() - started:.0f} s, {len(faults)} with faults")
    sys.exit(1 if faults else 0)
