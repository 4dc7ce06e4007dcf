"""Make the bundled taggers: `python -m tools.taggers NAME ... [--runs DIR]`; without a name, all of them.

Each is trained, its weights are stored in 16 bits, and it is evaluated in that form on the test split of each of its
corpora, and of corpora that it was not trained on. The data are looked up in `$ELMO_TASKS_DATA`; only corpora whose
licences permit sharing weights trained on them are used.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from elmo_tasks.core.files import atomic_file, write_json, write_text
from elmo_tasks.core.markdown import code, markdown_table
from elmo_tasks.core.paths import data_root
from elmo_tasks.data.catalog import load_data
from elmo_tasks.data.reading import ReadingConfig
from elmo_tasks.runs.collect import without_folders
from elmo_tasks.runs.experiment import Experiment, resolve_experiment, to_yaml
from elmo_tasks.runs.folder import checksums
from elmo_tasks.runs.run import load
from elmo_tasks.task import load_task
from elmo_tasks.training.from_python import train

TAGGERS = Path("elmo_tasks/runs/taggers")
RECORD = Path("results/taggers.json")
_EWT = "English Web Treebank (Universal Dependencies and PropBank, CC BY-SA 4.0)"


@dataclass(frozen=True)
class Corpus:
    """A corpus and its place below `$ELMO_TASKS_DATA`.

    about: name and licence; unseen: whether it was not used in training; gaps: whether some of its texts are empty.
    """

    about: str
    place: str
    unseen: bool = False
    gaps: bool = False

    @property
    def title(self) -> str:
        """The title in tables."""
        return self.about + (" (not trained on)" if self.unseen else "")

    def path(self, data: Path, runs: Path) -> Path:
        """The path of the corpus, or of a copy below `runs` without its empty texts, if it has any."""
        if not self.gaps:
            return data / self.place
        copy = runs / self.place.replace("/", "-")
        lines = (data / self.place).read_text(encoding="utf-8").splitlines(keepends=True)
        copy.parent.mkdir(parents=True, exist_ok=True)
        write_text(copy, "".join(line for line in lines if line.partition("\t")[2].strip()))
        return copy


@dataclass(frozen=True)
class Recipe:
    """How a tagger is trained and tested.

    reading: options for reading the files of all its corpora.
    """

    task: str
    about: str
    embedders: tuple[str, ...]
    reading: Mapping[str, Any]
    corpora: tuple[Corpus, ...]
    limits: str
    licence: str
    settings: tuple[str, ...] = ()

    @property
    def trained_on(self) -> tuple[Corpus, ...]:
        """The corpora used in training."""
        return tuple(corpus for corpus in self.corpora if not corpus.unseen)

    def experiment(self, places: Sequence[str | Path]) -> Experiment:
        """The experiment on the corpora `trained_on`, which are in `places`."""
        data = "+".join(map(str, places))
        given = {"data": data, "embedders": list(self.embedders), "reading": dict(self.reading)}
        return resolve_experiment(self.task, None, given, self.settings)


RECIPES: Mapping[str, Recipe] = {
    "ner": Recipe(
        "ner",
        "Persons, places and organisations in English text",
        ("elmo", "glove:small", "chars"),
        {"map_labels": "PER=PER,LOC=LOC,ORG=ORG,person=PER,place=LOC,organization=ORG,*=drop"},
        (
            Corpus("Universal NER on the English Web Treebank, CC BY-SA 4.0", "uner_en_ewt"),
            Corpus("Wikigold: Wikipedia, CC BY 4.0", "wikigold"),
            Corpus("Broad Twitter Corpus, CC BY 4.0", "btc"),
            Corpus("loan agreements from SEC filings, CC BY 3.0", "fin_sec"),
            Corpus("GUM, twelve open genres, names only, CC BY 4.0 and CC BY-SA", "gum_entities/open"),
            Corpus("CoNLL-2003 testb, three of its types", "conll2003", unseen=True),
        ),
        "It knows three types; nationalities, products and events are not marked. In GUM a title belongs to a person's "
        "name, in the other corpora it does not.",
        "CC BY-SA 4.0",
        settings=(
            *("training.epochs=8", "training.patience=8", "training.final_rate=0.05"),
            "glove.trainable=false",
        ),
    ),
    "pos": Recipe(
        "tagging",
        "Universal part-of-speech tags of English words",
        ("elmo", "chars"),
        {"columns": "token=1,tag=2"},
        (Corpus(_EWT, "ud_ewt_pos"),),
        "Trained on web text: blogs, reviews, mail, newsgroups.",
        "CC BY-SA 4.0",
    ),
    "srl": Recipe(
        "srl",
        "Predicates and their PropBank arguments in English text",
        ("elmo", "glove:small"),
        {},
        (Corpus(_EWT, "ewt_srl"),),
        "Frames have no senses: a predicate is its word. Nominal predicates are found less well than verbs.",
        "CC BY-SA 4.0",
    ),
    "sentiment": Recipe(
        "sentiment",
        "Whether an English sentence of a review is positive or negative",
        ("elmo", "glove:small"),
        {"map_labels": "0=negative,1=positive", "dev_fraction": 0.1, "test_fraction": 0.1},
        (
            Corpus("MR, sentences of film reviews, CC BY 4.0", "mr/rt-polarity.tsv"),
            Corpus("CR, sentences of product reviews, CC BY 4.0", "cr/custrev.tsv", gaps=True),
        ),
        "It has no neutral class and knows reviews only. The Stanford Sentiment Treebank is made of MR's sentences and "
        "is no test of it.",
        "CC BY 4.0",
    ),
}


def make(name: str, runs: Path, data: Path) -> None:
    """Train a tagger unless its run exists, store it in the package, evaluate it, and write its card."""
    recipe, run, folder = RECIPES[name], runs / f"tagger-{name}", TAGGERS / name
    command = f"python -m tools.taggers {name}"
    if not (run / "model.safetensors").is_file():
        experiment = recipe.experiment([corpus.path(data, runs) for corpus in recipe.trained_on])
        train(experiment, run, command=command, resume=True)
    folder.mkdir(parents=True, exist_ok=True)
    store_in_16_bits(run / "model.safetensors", folder / "model.safetensors")
    shutil.copyfile(run / "words.txt", folder / "words.txt")
    write_text(folder / "config.yaml", to_yaml(recipe.experiment([corpus.place for corpus in recipe.trained_on])))
    metrics = without_folders(json.loads((run / "metrics.json").read_text(encoding="utf-8")))
    write_json(folder / "metrics.json", metrics | {"command": command, "checksums": checksums(folder)})
    scores = {corpus.place: score(name, corpus.path(data, runs)) for corpus in recipe.corpora}
    record = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.is_file() else {"taggers": {}}
    record["taggers"][name] = {
        "command": command,
        "embedders": metrics["embedders"],
        "bytes": (folder / "model.safetensors").stat().st_size,
        "headline": metrics["headline"],
        "seed": metrics["seed"],
        "best_epoch": metrics["best_epoch"],
        "minutes": round(metrics["seconds"] / 60, 1),
        "dev": metrics["dev"][metrics["headline"]],
        "test": {place: found[metrics["headline"]] for place, found in scores.items()},
        "first_200": {c.place: score(name, c.path(data, runs), 200)[metrics["headline"]] for c in recipe.corpora},
        "types": {place: found["per_type"] for place, found in scores.items() if "per_type" in found},
    }
    write_json(RECORD, record)
    write_text(folder / "README.md", card(name, record["taggers"][name]))


def score(name: str, path: Path, sentences: int | None = None) -> dict[str, Any]:
    """The scores of a tagger on the test split of a corpus, or on its first sentences, which a test compares."""
    task, reading = load_task(RECIPES[name].task), ReadingConfig(**RECIPES[name].reading)
    return load(name).evaluate(load_data(str(path), task.read, reading, only=("test",)).test[:sentences])


def store_in_16_bits(source: Path, target: Path) -> None:
    """Copy a model file with its floating-point weights rounded to float16; loading converts them back."""
    with safe_open(source, framework="pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (no iterator)
        metadata = file.metadata()
    for key, tensor in tensors.items():
        if tensor.is_floating_point():
            tensors[key] = tensor.to(torch.float16)
            if not torch.isfinite(tensors[key]).all():
                raise ValueError(f"{source}: {key} has values outside the range of float16")
    with atomic_file(target) as partial:
        save_file(tensors, partial, metadata)


def card(name: str, found: Mapping[str, Any]) -> str:
    """The model card in Markdown."""
    recipe = RECIPES[name]
    score = {"f1": "F1", "accuracy": "accuracy"}[found["headline"]]
    rows = [(corpus.title, f"{100 * found['test'][corpus.place]:.2f}") for corpus in recipe.corpora]
    lines = [
        f"# {name}",
        "",
        f"{recipe.about}. A tagger of elmo-tasks on {' + '.join(found['embedders'])}, seed {found['seed']}; the dev "
        "split chose the epoch.",
        "",
        f"Test {score} in per cent, of the weights as they are here (16 bits):",
        "",
        markdown_table(("corpus", f"test {score}"), rows, numbers=1),
        f"- Limits: {recipe.limits}",
        f"- Licence of the weights: {recipe.licence}, after the licences of the corpora above",
        f"- Size: {found['bytes'] / 1e6:.1f} MB; the biLM inside the package comes on top, once for all taggers",
        f"- Made by {code(found['command'])} in {found['minutes']:.0f} minutes",
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Make the taggers named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", metavar="NAME", nargs="*", help=f"default: {' '.join(RECIPES)}")
    parser.add_argument(
        "--runs", metavar="DIR", type=Path, default=Path("runs"), help="folder of the runs (default: runs)"
    )
    options = parser.parse_args()
    data = data_root()
    if data is None:
        parser.error("set ELMO_TASKS_DATA to the folder of the data sets")
    if unknown := set(options.names) - set(RECIPES):
        parser.error(f"no such tagger: {', '.join(sorted(unknown))}; choose from {', '.join(RECIPES)}")
    for name in options.names or RECIPES:
        make(name, options.runs, data)


if __name__ == "__main__":
    main()
