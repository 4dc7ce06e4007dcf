"""The workshop: small valid inputs of every kind, and runs, biLMs and vectors made from them."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import shutil
import struct
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from elmo_tasks.core.folders import mark
from elmo_tasks.elmo.bilm import BiLM
from elmo_tasks.elmo.options import BilmOptions
from elmo_tasks.elmo.weights.hdf5 import write_hdf5
from elmo_tasks.elmo.weights.safetensors import write_safetensors

FASTTEXT = Path(__file__).parents[1] / "embedders" / "fixtures" / "fasttext-subwords.bin"

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
PAIRS = "It rains.\tIt is wet.\nA dog didn't bark.\tA dog barked.\n"
NLI = "premise\thypothesis\tlabel\n" + "".join(
    f"{pair}\t{label}\n" for pair in PAIRS.splitlines() for label in ("entailment", "neutral")
)
PAIRS_JSON = "".join(
    json.dumps({"sentence1": "It rains.", "sentence2": ["It", "is", "wet"], "gold_label": label}) + "\n"
    for label in ("entailment", "-", "neutral")
)
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


NUMBERED = "# sent_id = 1\n1\tAda\tB-PER\tO\n2\tsees\tO\tO\n3\tRome\tB-LOC\tO\n\n1\tBo\tB-PER\tO\n2\tsleeps\tO\tO\n\n"
SENTIMENT_CSV = 'label,text\npos,"a warm , funny film ."\nneg,dull and slow .\n'
TREES = "(3 (2 It) (4 (2 's) (3 good)))\n(1 (2 It) (1 (2 's) (1 slow)))\n"
ROWS = ("Marta NNP - - (ARG0*)", "sold VBD sell 01 (V*)", "it PRP - - (ARG1*)")
CONLL12 = "".join(
    f"bc/a/0 0 {number} {word} {pos} * {lemma} {frame} - - * {role} -\n"
    for number, (word, pos, lemma, frame, role) in enumerate(map(str.split, ROWS))
)
CONLL12 = f"#begin document (bc/a/0); part 000\n{CONLL12}\n#end document\n"
STORY = "".join(
    f"#begin document (nw/{name}); part 000\n"
    f"nw/{name} 0 0 {name} - - - - - x - (0|(1)\nnw/{name} 0 1 left - - - - - x - 0)\n\n"
    f"nw/{name} 0 0 She - - - - - y - (0)\nnw/{name} 0 1 slept - - - - - y - -\n#end document\n"
    for name in ("Ada", "Bo")
)
GAP = (
    "ID\tText\tPronoun\tPronoun-offset\tA\tA-offset\tA-coref\tB\tB-offset\tB-coref\tURL\n"
    "t-1\tAda met Bo. She left.\tShe\t12\tAda\t0\tTRUE\tBo\t8\tFALSE\thttp://example.org\n"
)
OCCURRENCE = {"tokens": ["The", "dog", "barked", "."], "index": 2, "lemma": "bark", "sense": "bark: cry of a dog"}
SENSES = "".join(
    json.dumps(OCCURRENCE | {"tokens": ["The", who, "bark", "."], "sense": sense}) + "\n"
    for who, sense in (("dog", "cry"), ("tree", "cover"), ("fox", "cry"), ("old", "cover"))
)
PARSED = '{"tokens": ["Ada", "sees", "Rome"]}\n{"text": "Bo sleeps"}\n'


@dataclass(frozen=True)
class Workshop:
    """The folder of valid inputs."""

    folder: Path


def make_workshop(folder: Path, run: Callable[[Sequence[str], Path], Any]) -> Workshop:
    """Write small valid inputs of every kind, and train a run of each task on them. run: runs a command in a folder."""
    texts = {"ner": NER, "sentiment": SENTIMENT, "tsv": SENTIMENT_TSV, "srl": SRL, "tagging": WORDS, "conllu": PROPBANK}
    texts |= {"nli": NLI, "coreference": STORY}
    for name, text in texts.items():
        (folder / name).mkdir(parents=True)
        for split in ("train", "dev", "test"):
            (folder / name / f"{split}.txt").write_text(text, encoding="utf-8")
    _write_formats(folder)
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
        for task in ("coreference", "ner", "nli", "sentiment", "srl", "tagging")
    ]
    elmo = ["--embedders", f"elmo:{folder / 'pair'}", *TINY[2:], "--output", str(folder / "run-elmo")]
    commands.append(["train", "ner", "--data", str(folder / "ner"), *elmo])
    corpus, config = str(folder / "text.txt"), str(folder / "pretrain.yaml")
    commands.append(["pretrain", "--corpus", corpus, "--config", config, "--output", str(folder / "pretrained")])
    grid = ["--data", f"ner={folder / 'ner'}", "--embedders", "random", "--seeds", "1", *TINY[2:]]
    commands.append(["benchmark", "ner", *grid, "--output", str(folder / "grid")])
    for command in commands:
        made = run(command, folder)
        assert made.code == 0, made
    unfinished = shutil.copytree(folder / "run-ner", folder / ".unfinished-ner")
    mark(unfinished, "unfinished run")
    shutil.rmtree(folder / "run-ner" / "plots")
    return Workshop(folder)


def _write_formats(folder: Path) -> None:
    """Files of more formats, each read by `evaluate`, `predict`, `probe` or an embedder."""
    texts = {
        "numbered.conllu": NUMBERED,
        "reviews.csv": SENTIMENT_CSV,
        "roles.v4_gold_conll": CONLL12,
        "lines.jsonl": PARSED,
        "pairs.txt": PAIRS,
        "pairs.jsonl": PAIRS_JSON,
        "stories.conll": STORY,
        "gap.tsv": GAP,
        "options.json": json.dumps(OPTIONS),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "trees").mkdir()
    for split in ("train", "dev", "test"):
        (folder / "trees" / f"{split}.txt").write_text(TREES, encoding="utf-8")
    (folder / "senses").mkdir()
    for split in ("train", "test"):
        (folder / "senses" / f"{split}.jsonl").write_text(SENSES, encoding="utf-8")
    (folder / "senses" / "senses.json").write_text('{"bark": ["cover", "cry"]}', encoding="utf-8")
    rows = b"".join(f"{word} ".encode() + struct.pack("<2f", 1, 2) + b"\n" for word in ("the", "dog", "rain"))
    (folder / "vectors.bin").write_bytes(b"3 2\n" + rows)
    (folder / "vectors.txt.gz").write_bytes(gzip.compress(VECTORS.encode()))
    with zipfile.ZipFile(folder / "vectors.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("v.txt", VECTORS)
    shutil.copy(FASTTEXT, folder / "fasttext.bin")
