"""A folder with what the documents' shell blocks name: small stand-ins for data sets, corpora and biLM files.

Everything is made from the samples inside the package, in the formats of the real data.
"""

from __future__ import annotations

import gzip
import json
import lzma
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from xml.sax.saxutils import escape

from elmo_tasks.data.catalog import SAMPLE
from elmo_tasks.elmo.bilm import BiLM
from elmo_tasks.elmo.options import BilmOptions
from elmo_tasks.elmo.weights.hdf5 import write_hdf5

ROOT = Path(__file__).resolve().parents[2]
SMALL = BilmOptions(char_dim=3, filters=((1, 4), (2, 5)), n_highway=1, cell_dim=8, projection_dim=8, n_layers=2)
SIZES = {"train": 80, "dev": 20, "test": 20}  # sentences


def sentences(path: Path) -> Iterator[list[list[str]]]:
    """The sentences of a file of columns: rows of columns."""
    for part in path.read_text(encoding="utf-8").strip().split("\n\n"):
        yield [row.split() for row in part.splitlines()]


def write_columns(path: Path, made: Iterable[list[list[str]]]) -> None:
    """One row per token, a blank line after each sentence."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join("".join(f"{' '.join(row)}\n" for row in rows) + "\n" for rows in made), encoding="utf-8")


def make_data(root: Path) -> None:
    """The data sets of the catalog and those of `probe wsd`, each in its own format."""
    make_word_senses(root)
    for split, size in SIZES.items():
        news = list(sentences(SAMPLE / f"{split}.txt"))[:size]
        write_columns(root / "conll2003" / f"eng.{split}", [[[w, "X", t, t] for w, t in rows] for rows in news])
        write_columns(root / "ud_ewt_pos" / f"{split}.txt", [[[w, t, t] for w, t in rows] for rows in news])
        roles = list(sentences(SAMPLE / "srl" / f"{split}.txt"))[:size]
        wide = [
            [
                [str(n), word, "X", lemma, "-" if lemma == "-" else f"{lemma}.01", *spans]
                for n, (word, lemma, *spans) in rows
            ]
            for rows in map(list, map(enumerate, roles))
        ]
        write_columns(root / "ewt_srl" / f"{split}.conll", wide)
        pairs = [
            line.split("\t") for line in (SAMPLE / "nli" / f"{split}.tsv").read_text(encoding="utf-8").splitlines()
        ]
        for folder, head in (("sick", "sentence_A\tsentence_B\tentailment_judgment"), ("snli/cad_all", "")):
            (root / folder).mkdir(parents=True, exist_ok=True)
            rows = [[head or "sentence1\tsentence2\tgold_label"], *pairs[1 : size + 1]]
            text = "".join("\t".join(row) + "\n" for row in rows)
            (root / folder / f"{split}.tsv").write_text(text, encoding="utf-8")
        opinions = (SAMPLE / "sentiment" / f"{split}.txt").read_text(encoding="utf-8").splitlines()[:size]
        (root / "sst").mkdir(exist_ok=True)
        for variant, labels in (("binary", "01"), ("fine", "04")):
            lines = [f"{labels[line.startswith('positive')]} {line.split(maxsplit=1)[1]}\n" for line in opinions]
            (root / "sst" / f"stsa.{variant}.{split}").write_text("".join(lines), encoding="utf-8")
        (root / "sst_trees").mkdir(parents=True, exist_ok=True)
        trees = [
            f"({'04'[line.startswith('positive')]} {' '.join(f'(2 {word})' for word in line.split()[1:])})\n"
            for line in opinions
        ]
        (root / "sst_trees" / f"{split}.txt").write_text("".join(trees), encoding="utf-8")

    shutil.copytree(SAMPLE / "coreference", root / "ontogum" / "open")
    (root / "gap").mkdir()
    (root / "gap" / "gap-test.tsv").write_text(
        "ID\tText\tPronoun\tPronoun-offset\tA\tA-offset\tA-coref\tB\tB-offset\tB-coref\tURL\n"
        "test-1\tMarta met Ines. She left.\tShe\t16\tMarta\t0\tTRUE\tInes\t10\tFALSE\thttp://example.org\n"
    )
    (root / "snli" / "breaking_nli").mkdir()
    with (root / "snli" / "breaking_nli" / "test.jsonl").open("w", encoding="utf-8") as file:
        for premise, hypothesis, label in pairs[1:]:
            file.write(json.dumps({"sentence1": premise, "sentence2": hypothesis, "gold_label": label}) + "\n")


def make_word_senses(root: Path) -> None:
    """`semcor` and `wsd_eval`: the shipped sense corpus, with senses numbered as WordNet's keys."""
    numbers: dict[str, int] = {}
    for split, folder in (("train", "semcor"), ("test", "wsd_eval")):
        columns, words, keys = list[str](), list[str](), list[str]()
        for line in (SAMPLE / f"senses/{split}.jsonl").read_text(encoding="utf-8").splitlines():
            found = json.loads(line)
            number = numbers.setdefault(found["sense"], len(numbers))
            key, name = f"{found['lemma']}%1:{number:02d}:00::", f"d.s{len(keys)}.t0"
            own = [key if place == found["index"] else "_" for place in range(len(found["tokens"]))]
            columns += [f"{word}\t{word}\tNN\t{tag}\n" for word, tag in zip(found["tokens"], own, strict=True)] + ["\n"]
            before, word, behind = (
                found["tokens"][: found["index"]],
                found["tokens"][found["index"]],
                found["tokens"][found["index"] + 1 :],
            )
            tagged = [f"<wf>{escape(other)}</wf>" for other in before]
            tagged.append(f'<instance id="{name}" lemma="{found["lemma"]}" pos="NOUN">{escape(word)}</instance>')
            tagged += [f"<wf>{escape(other)}</wf>" for other in behind]
            words.append(f"<sentence>{''.join(tagged)}</sentence>")
            keys.append(f"{name} {key}\n")
        (root / folder).mkdir(parents=True)
        if split == "train":
            (root / folder / "brown1.tsv").write_text("".join(columns), encoding="utf-8")
        else:
            (root / folder / "small.data.xml").write_text(f"<corpus>{''.join(words)}</corpus>", encoding="utf-8")
            (root / folder / "small.gold.key.txt").write_text("".join(keys), encoding="utf-8")


def make_files(folder: Path) -> None:
    """Corpora, data of one's own, biLM files: the names that the documents use."""
    senses = [json.loads(line) for line in (SAMPLE / "senses/train.jsonl").read_text(encoding="utf-8").splitlines()]
    text = "".join(f"{' '.join(line['tokens'])}\n" for line in senses)
    for name in ("corpus.txt", "heldout.txt", "sentences.txt", "reviews/a.txt"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "text").mkdir()
    (folder / "results").mkdir()
    for name in ("corpus.txt.xz", "text/a.txt.xz", "text/b.txt.xz"):
        (folder / name).write_bytes(lzma.compress(text.encode()))
    (folder / "corpus.gz").write_bytes(gzip.compress(text.encode()))
    shutil.copytree(SAMPLE / "senses", folder / "my-senses")
    shutil.copytree(SAMPLE / "nli", folder / "my-pairs")
    shutil.copytree(SAMPLE / "coreference", folder / "my-documents")
    shutil.copy(SAMPLE / "senses/train.jsonl", folder / "senses.jsonl")
    (folder / "my-corpus").mkdir()
    (folder / "my-reviews").mkdir()
    for split, size in SIZES.items():
        write_columns(folder / "my-corpus" / f"{split}.txt", list(sentences(SAMPLE / f"{split}.txt"))[:size])
        shutil.copy(SAMPLE / "sentiment" / f"{split}.txt", folder / "my-reviews")
        for name, types in (("my-news", ("PER", "LOC")), ("my-tweets", ("person", "place"))):
            tagged = (folder / "my-corpus" / f"{split}.txt").read_text(encoding="utf-8")
            (folder / name).mkdir(exist_ok=True)
            renamed = tagged.replace("-PER", f"-{types[0]}").replace("-LOC", f"-{types[1]}")
            (folder / name / f"{split}.txt").write_text(renamed, encoding="utf-8")
        treebank = [
            [[str(n), w, w, t, t] for n, (w, t) in enumerate(rows, 1)] for rows in sentences(SAMPLE / f"{split}.txt")
        ]
        rows = "".join("".join("\t".join(row) + "\n" for row in one) + "\n" for one in treebank[:size])
        (folder / f"en_ewt-ud-{split}.conllu").write_text(rows, encoding="utf-8")
    write_tweets(folder / "tweets.csv")
    (folder / "index.sense").write_text("bark%1:00:00:: 00000001 1 1\n", encoding="utf-8")
    write_hdf5(BiLM(SMALL), folder / "options.json", folder / "weights.hdf5")
    for name in ("configs", "benchmarks", "examples"):
        (folder / name).symlink_to(ROOT / name)


def write_tweets(path: Path, size: int | None = None) -> None:
    """Labelled texts as a CSV file. size: how many; all if None."""
    rows = (SAMPLE / "sentiment/train.txt").read_text(encoding="utf-8").splitlines()[:size]
    cells = [line.replace('"', '""').split(maxsplit=1) for line in rows]
    tweets = "".join(f'{number},{label},"{words}"\n' for number, (label, words) in enumerate(cells))
    path.write_text(f"id,airline_sentiment,text\n{tweets}", encoding="utf-8")


def make_programs(folder: Path, python: str, exact: bool) -> None:
    """`python` and `elmo-tasks`, as they are (exact) or made small. python: the shell's words for the interpreter."""
    folder.mkdir()
    small = f"'{Path(__file__).with_name('smaller.py')}'"
    for name, itself in (("python", ""), ("elmo-tasks", "-m elmo_tasks")):
        program, arguments = folder / name, itself if exact else f"{small} {name}"
        program.write_text(f'#!/bin/sh\nexec {python} {arguments} "$@"\n', encoding="utf-8")
        program.chmod(0o755)
