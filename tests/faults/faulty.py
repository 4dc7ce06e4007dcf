"""Bad inputs and what must hold for each: the small valid inputs, the damage done to them, and the runner.

One process runs them all, so that torch is imported once. A *target* is a command and the file of its input that is
damaged; a *damage* is what happens to the bytes of that file.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
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

import torch
from damage import damage

from elmo_tasks.cli import main
from elmo_tasks.elmo.bilm import BiLM
from elmo_tasks.elmo.options import BilmOptions
from elmo_tasks.elmo.weights.hdf5 import write_hdf5
from elmo_tasks.elmo.weights.safetensors import write_safetensors

SECONDS, AT_MOST = 20, 120
"""Processor time that one input may take, and time on the clock. Most take some milliseconds."""

NER = (
    "-DOCSTART- -X- O O\n\nAda NNP B B-PER\nsees VBZ O O\nNew NNP B B-LOC\nRome NNP I I-LOC\n. . O O\n\n"
    "Bo NNP B B-PER\nsleeps VBZ O O\n"
)
SENTIMENT = "pos a warm , funny film .\nneg dull and slow .\npos I liked it .\nneg never again !\n"
SENTIMENT_JSON = "".join(
    json.dumps({"text": text, "label": label}) + "\n"
    for label, _, text in (line.partition(" ") for line in SENTIMENT.splitlines())
)
SENTIMENT_TSV = "".join(line.replace(" ", "\t", 1) + "\n" for line in SENTIMENT.splitlines())
SRL = "Marta - (A0*)\nsold sell (V*)\nher - (A1*\nbicycle - *)\n. - *\n\nBo - (A0*)\nsleeps sleep (V*)\n\n"
WORDS = "Marta_PROPN sold_VERB her_PRON bicycle_NOUN ._PUNCT\nBo_PROPN sleeps_VERB\n"
PROPBANK = (
    "# global.columns = ID FORM LEMMA UPOS XPOS FEATS HEAD DEPREL DEPS MISC UP:PRED UP:ARGHEADS UP:ARGSPANS\n"
    "# text = Marta sold bicycles\n"
    "1\tMarta\tMarta\tPROPN\tNNP\t_\t2\tnsubj\t_\tNER=B-PER\t_\t_\t_\n"
    "2\tsold\tsell\tVERB\tVBD\t_\t0\troot\t_\tNER=O\tsell.01\tA0:1|A1:3\tA0:1-1|A1:3-3\n"
    "3-4\tbicycles\t_\t_\t_\t_\t_\t_\t_\t_\t_\t_\t_\n"
    "3\tbicycle\tbicycle\tNOUN\tNN\t_\t2\tobj\t_\tNER=O|SpaceAfter=No\t_\t_\t_\n\n"
)
TEXT = "The dog barked .\nRain fell on the harbour .\n\nDogs bark at trees .\nA tree has bark .\n" * 3
VECTORS = "the 0.1 0.2 0.3\ndog -1 0 2e-1\nrain 1 2 3\nAda 0 0 1\n"
OPTIONS = {
    "char_cnn": {
        "activation": "relu",
        "embedding": {"dim": 3},
        "filters": [[1, 4], [2, 5]],
        "max_characters_per_token": 50,
        "n_characters": 261,
        "n_highway": 1,
    },
    "lstm": {
        "cell_clip": 3,
        "dim": 6,
        "n_layers": 2,
        "proj_clip": 3,
        "projection_dim": 4,
        "use_skip_connections": True,
    },
}
PRETRAINING = OPTIONS | {
    "bidirectional": True,
    "dropout": 0.1,
    "batch_size": 2,
    "unroll_steps": 5,
    "n_negative_samples_batch": 3,
    "all_clip_norm_val": 1.0,
    "n_epochs": 1,
    "optimizer": "adamw",
    "learning_rate": 1e-3,
    "precision": "32",
}
QUICK = ["--set", "training.epochs=1", "--set", "training.min_updates=0"]
TINY = ["--embedders", "random", "--set", "model.hidden=2", *QUICK]


@dataclass(frozen=True)
class Target:
    """A command and which of the workshop's files is damaged. `{}` in the command is the folder of the copy.

    output: what the command may make or change, relative to that folder; everything else must stay as it is.
    """

    name: str
    files: tuple[str, ...]
    command: tuple[str, ...]
    damaged: str
    output: tuple[str, ...] = ()
    text: bool = True


@dataclass(frozen=True)
class Workshop:
    """The folder of valid inputs."""

    folder: Path


@dataclass
class Finished:
    """What a command did: exit code, both outputs, what it changed, and the traceback if it raised."""

    code: int | None
    out: str
    err: str
    changed: list[str] = field(default_factory=list)
    raised: str = ""


def make_workshop(folder: Path) -> Workshop:
    """Write small valid inputs of every kind, and train a run of each task on them."""
    for name, text in {
        "ner": NER,
        "sentiment": SENTIMENT,
        "tsv": SENTIMENT_TSV,
        "srl": SRL,
        "tagging": WORDS,
        "conllu": PROPBANK,
    }.items():
        (folder / name).mkdir(parents=True)
        for split in ("train", "dev", "test"):
            (folder / name / f"{split}.txt").write_text(text, encoding="utf-8")
    (folder / "json").mkdir()
    for split in ("train", "dev", "test"):
        (folder / "json" / f"{split}.jsonl").write_text(SENTIMENT_JSON, encoding="utf-8")
    (folder / "text.txt").write_text(TEXT, encoding="utf-8")
    (folder / "text.txt.gz").write_bytes(gzip.compress(TEXT.encode()))
    (folder / "text.txt.xz").write_bytes(lzma.compress(TEXT.encode()))
    (folder / "text.txt.bz2").write_bytes(bz2.compress(TEXT.encode()))
    (folder / "vectors.txt").write_text(VECTORS, encoding="utf-8")
    (folder / "config.yaml").write_text("training:\n  epochs: 1\nmodel:\n  hidden: 2\nseed: 3\n", encoding="utf-8")
    (folder / "pretrain.yaml").write_text(json.dumps(PRETRAINING), encoding="utf-8")
    torch.manual_seed(0)
    bilm = BiLM(
        BilmOptions(char_dim=3, filters=((1, 4), (2, 5)), n_highway=1, cell_dim=6, projection_dim=4, n_layers=2)
    )
    (folder / "pair").mkdir()
    write_hdf5(bilm, folder / "pair" / "options.json", folder / "pair" / "weights.hdf5")
    (folder / "bilm").mkdir()
    write_safetensors(bilm, folder / "bilm" / "bilm.safetensors")
    commands = [
        ["train", task, "--data", str(folder / task), "--output", str(folder / f"run-{task}"), *TINY]
        for task in ("ner", "sentiment", "srl", "tagging")
    ]
    corpus, config = str(folder / "text.txt"), str(folder / "pretrain.yaml")
    commands.append(["pretrain", "--corpus", corpus, "--config", config, "--output", str(folder / "pretrained")])
    for command in commands:
        made = run(command, folder)
        assert made.code == 0, made
    return Workshop(folder)


def _train(task: str, data: str, file: str) -> Target:
    command = ("train", task, "--data", f"{{}}/{data}", "--output", "{}/out", *TINY)
    return Target(f"train {task} {data}/{file}", (data,), command, f"{data}/{file}", ("out", ".out.unfinished"))


def _of_run(task: str, file: str, *, text: bool = True) -> Target:
    of_run = f"run-{task}"
    command = ("predict", f"{{}}/{of_run}", "{}/text.txt")
    return Target(f"predict with {of_run}/{file}", (of_run, "text.txt"), command, f"{of_run}/{file}", (), text)


def _predict(task: str) -> Target:
    command = ("predict", f"{{}}/run-{task}", "{}/text.txt")
    return Target(f"predict {task}", (f"run-{task}", "text.txt"), command, "text.txt")


def _embed(name: str, embedder: str, damaged: str, *, files: tuple[str, ...] = (), text: bool = True) -> Target:
    command = ("embed", embedder, "{}/" + name, "--output", "{}/out.safetensors")
    output = ("out.safetensors", "out.safetensors.index.json", ".out.safetensors.unfinished", "out.index.json")
    return Target(f"embed {embedder} {damaged}", (name, *files), command, damaged, output, text)


TARGETS = (
    *(_train("ner", "ner", f"{split}.txt") for split in ("train", "dev", "test")),
    *(_train("sentiment", data, "train.txt") for data in ("sentiment", "tsv")),
    _train("sentiment", "json", "train.jsonl"),
    _train("sentiment", "json", "test.jsonl"),
    *(_train("srl", "srl", f"{split}.txt") for split in ("train", "test")),
    _train("tagging", "tagging", "train.txt"),
    *(_train(task, "conllu", "train.txt") for task in ("ner", "srl", "tagging")),
    Target(
        "train --config",
        ("ner", "config.yaml"),
        ("train", "ner", "--data", "{}/ner", "--output", "{}/out", "--config", "{}/config.yaml", *TINY[:2], *QUICK),
        "config.yaml",
        ("out", ".out.unfinished"),
    ),
    Target(
        "train with vectors",
        ("ner", "vectors.txt"),
        ("train", "ner", "--data", "{}/ner", "--output", "{}/out", "--embedders", "glove:{}/vectors.txt", *TINY[2:]),
        "vectors.txt",
        ("out", ".out.unfinished"),
    ),
    *(_predict(task) for task in ("ner", "sentiment", "srl", "tagging")),
    *(_of_run("ner", name) for name in ("config.yaml", "words.txt")),
    _of_run("ner", "model.safetensors", text=False),
    _of_run("sentiment", "config.yaml"),
    *(
        Target(f"report with {name}", ("run-ner",), ("report", "{}/run-ner"), f"run-ner/{name}")
        for name in ("metrics.json", "config.yaml")
    ),
    Target(
        "evaluate",
        ("run-ner", "ner"),
        ("evaluate", "{}/run-ner", "--data", "{}/ner", "--split", "dev"),
        "ner/dev.txt",
    ),
    _embed("text.txt", "random", "text.txt"),
    _embed("text.txt.gz", "random", "text.txt.gz", text=False),
    _embed("text.txt.xz", "random", "text.txt.xz", text=False),
    _embed("text.txt.bz2", "random", "text.txt.bz2", text=False),
    _embed("text.txt", "elmo:{}/bilm", "bilm/bilm.safetensors", files=("bilm",), text=False),
    _embed("text.txt", "elmo:{}/pair", "pair/weights.hdf5", files=("pair",), text=False),
    _embed("text.txt", "elmo:{}/pair", "pair/options.json", files=("pair",)),
    _embed("text.txt", "glove:{}/vectors.txt", "vectors.txt", files=("vectors.txt",)),
    Target(
        "pretrain text",
        ("text.txt", "pretrain.yaml"),
        ("pretrain", "--corpus", "{}/text.txt", "--config", "{}/pretrain.yaml", "--output", "{}/out"),
        "text.txt",
        ("out", ".out.unfinished"),
    ),
    Target(
        "pretrain options",
        ("text.txt", "pretrain.yaml"),
        ("pretrain", "--corpus", "{}/text.txt", "--config", "{}/pretrain.yaml", "--output", "{}/out"),
        "pretrain.yaml",
        ("out", ".out.unfinished"),
    ),
    *(
        Target(
            f"pretrain eval with {name}",
            ("text.txt", "pretrained"),
            ("pretrain", "eval", "{}/pretrained", "{}/text.txt"),
            f"pretrained/{name}",
            (),
            name.endswith("txt"),
        )
        for name in ("vocabulary.txt", "bilm.safetensors", "softmax-1.safetensors")
    ),
)


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
            code = main(list(arguments))
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


def try_input(target: Target, workshop: Workshop, here: Path, seed: int) -> Finished:
    """Copy what the target needs to `here`, damage it by `seed`, run the command, and say what it changed."""
    shutil.rmtree(here, ignore_errors=True)
    here.mkdir()
    for name in target.files:
        source = workshop.folder / name
        copy: Callable[..., object] = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, here / name)
    damaged = here / target.damaged
    damaged.write_bytes(damage(damaged.read_bytes(), random.Random(f"{target.name}-{seed}"), text=target.text))
    before = snapshot(here)
    done = run([word.replace("{}", str(here)) for word in target.command], here)
    after = snapshot(here)
    done.changed = [
        name
        for name in sorted(before.keys() | after.keys())
        if before.get(name, 0) != after.get(name, 0) and name.split("/")[0] not in target.output
    ]
    return done


def faults_of(done: Finished) -> list[str]:
    """Which of the promises to users are broken; none of them should be."""
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
        made, started = make_workshop(Path(place) / "workshop"), time.monotonic()
        faults = campaign(made, Path(place) / "here", count, first)
        os.chdir("/")
    for name, broken in faults.items():
        print(f"{name}: {'; '.join(broken)}")
    print(f"{count} inputs in {time.monotonic() - started:.0f} s, {len(faults)} with faults")
    sys.exit(1 if faults else 0)
