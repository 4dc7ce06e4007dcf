"""The targets: a command or a function of the Python API, and the input file that is damaged."""

from __future__ import annotations

from dataclasses import dataclass

from workshop import QUICK, TINY

LIKE_OUTPUT = ("out", ".out.unfinished")


@dataclass(frozen=True)
class Target:
    """A command and the file of the workshop that is damaged.

    `{}` in the command is the folder of the copy, `{w}` the workshop's own. A command that begins with `python` is a
    function of `entry_points`.

    output: what the command may make or change, relative to the copy; everything else must stay as it is.
    """

    name: str
    files: tuple[str, ...]
    command: tuple[str, ...]
    damaged: str
    output: tuple[str, ...] = ()
    text: bool = True


TASKS = ("ner", "sentiment", "srl", "tagging")
CELL = "cells/ner-ner-random-100-seed1"


def _on(name: str, run: str, file: str, verb: str, *options: str) -> Target:
    top = file.split("/")[0]
    return Target(name, (run, top), (verb, f"{{}}/{run}", *options, f"{{}}/{file}"), file)


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
    *(_train("nli", "nli", f"{split}.txt") for split in ("train", "test")),
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
    *(_predict(task) for task in TASKS),
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
    *(
        Target(
            f"resume with {name}",
            (".unfinished-ner",),
            ("train", "ner", "--data", "{w}/ner", "--output", "{}/unfinished-ner", "--resume", *TINY),
            f".unfinished-ner/{name}",
            (".unfinished-ner", "unfinished-ner"),
            not name.endswith("ckpt"),
        )
        for name in ("checkpoints/last.ckpt", "checkpoints/best.ckpt", "checkpoints/fingerprints.json", "config.yaml")
    ),
    *(
        _on(f"evaluate {data}", f"run-{task}", data, "evaluate", "--split", "test", "--data")
        for task, data in (
            ("ner", "numbered.conllu"),
            ("sentiment", "reviews.csv"),
            ("nli", "pairs.jsonl"),
            ("coreference", "stories.conll"),
            ("coreference", "gap.tsv"),
            ("sentiment", "json/test.jsonl"),
            ("srl", "roles.v4_gold_conll"),
            ("srl", "srl/test.txt"),
            ("ner", "ner/test.txt"),
        )
    ),
    *(_on(f"predict {task} lines.jsonl", f"run-{task}", "lines.jsonl", "predict") for task in TASKS),
    _predict("coreference"),
    *(_on(f"predict nli {name}", "run-nli", name, "predict") for name in ("pairs.txt", "pairs.jsonl")),
    *(_of_run("elmo", name) for name in ("config.yaml", ".seal")),
    *(_of_run("srl", name) for name in ("config.yaml", "words.txt", ".seal", "metrics.json")),
    *(
        _embed("text.txt", f"glove:{{}}/{name}", name, files=(name,), text=False)
        for name in ("vectors.bin", "vectors.txt.gz", "vectors.zip", "fasttext.bin")
    ),
    *(
        Target(
            f"benchmark with {name}",
            ("grid",),
            ("benchmark", "ner", "--report-only", "--output", "{}/grid"),
            f"grid/{CELL}/{name}",
            ("grid",),
        )
        for name in ("metrics.json", "epochs.csv", "outcomes.test.json", "config.yaml")
    ),
    *(
        Target(name, ("text.txt", "pair"), (*command, "--bilm", "{}/pair"), "text.txt", output)
        for name, command, output in (
            ("similar", ("similar", "bark", "--in", "{}/text.txt"), ()),
            ("project", ("project", "bark", "--in", "{}/text.txt", "--output", "{}/out.svg"), ("out.svg",)),
        )
    ),
    Target(
        "similar with a run's metrics.json",
        ("text.txt", "pair", "run-elmo"),
        ("similar", "bark", "--in", "{}/text.txt", "--bilm", "{}/pair", "--layer", "{}/run-elmo"),
        "run-elmo/metrics.json",
    ),
    *(
        Target(f"{command[0]} with pair/{name}", ("pair",), (*command, "--bilm", "{}/pair"), f"pair/{name}", (), text)
        for command in (("contrast", "dogs bark .", "a tree has bark .", "--word", "bark"),)
        for name, text in (("options.json", True), ("weights.hdf5", False))
    ),
    *(
        Target(
            f"probe {' '.join(what)} {folder}/{name}",
            (folder, "pair"),
            ("probe", *what, "{}/" + folder, "--bilm", "{}/pair", "--epochs", "1", "--output", "{}/out"),
            f"{folder}/{name}",
            ("out",),
        )
        for folder, what, name in (
            ("senses", ("senses",), "train.jsonl"),
            ("senses", ("senses",), "senses.json"),
            ("ner", (), "train.txt"),
            ("ner", ("chunk",), "test.txt"),
        )
    ),
    *(
        Target(
            f"substitutes with {name}",
            ("pretrained",),
            ("substitutes", "the dog .", "--bilm", "{}/pretrained"),
            f"pretrained/{name}",
            (),
            name.endswith(("txt", "json")),
        )
        for name in ("vocabulary.txt", "softmax-1.safetensors", "metrics.json")
    ),
    *(
        Target(
            f"pretrain --init with {name}",
            ("text.txt", "pretrain.yaml", "pretrained"),
            (
                *("pretrain", "--corpus", "{}/text.txt", "--config", "{}/pretrain.yaml", "--output", "{}/out"),
                *("--init", "{}/pretrained"),
            ),
            f"pretrained/{name}",
            LIKE_OUTPUT,
            name.endswith(("txt", "json")),
        )
        for name in ("metrics.json", "vocabulary.txt")
    ),
    Target(
        "pretrain vocab",
        ("text.txt",),
        ("pretrain", "vocab", "--corpus", "{}/text.txt", "--output", "{}/out"),
        "text.txt",
        ("out",),
    ),
    Target(
        "pretrain export",
        ("pretrained",),
        ("pretrain", "export", "{}/pretrained", "--output", "{}/out"),
        "pretrained/metrics.json",
        ("out",),
    ),
    *(
        Target(
            f"embed to {ending}",
            ("text.txt",),
            ("embed", "random", "{}/text.txt", "--output", "{}/out" + ending),
            "text.txt",
            ("out" + ending, f".out{ending}.partial"),
        )
        for ending in (".hdf5", ".parquet", ".arrow")
    ),
    *(
        Target(f"python {name} with {damaged}", files, ("python", name, *given), damaged, output, text)
        for name, files, given, damaged, output, text in (
            ("load", ("run-ner",), ("{}/run-ner",), "run-ner/config.yaml", (), True),
            ("load", ("run-sentiment",), ("{}/run-sentiment",), "run-sentiment/model.safetensors", (), False),
            ("tagger", ("run-ner",), ("{}/run-ner",), "run-ner/metrics.json", (), True),
            ("embedder", ("pair",), ("{}/pair/options.json,{}/pair/weights.hdf5",), "pair/options.json", (), True),
            ("embedder", ("pair",), ("{}/pair/options.json,{}/pair/weights.hdf5",), "pair/weights.hdf5", (), False),
            ("elmo", ("pair",), ("{}/pair/options.json", "{}/pair/weights.hdf5"), "pair/weights.hdf5", (), False),
            ("load_data", ("srl",), ("{}/srl", "srl"), "srl/train.txt", (), True),
            ("load_data", ("ner",), ("{}/ner", "ner"), "ner/dev.txt", (), True),
            ("load_data", ("trees",), ("{}/trees", "sentiment"), "trees/train.txt", (), True),
            ("frozen_embedder", ("vectors.txt",), ("glove:{}/vectors.txt",), "vectors.txt", (), True),
        )
    ),
)
