"""A complete probing run: all frozen layers and the mix, for the task, its control task, and control embedders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from elmo_tasks.analysis.control_task import control_labels, majority_accuracy, most_frequent, most_frequent_by_word
from elmo_tasks.analysis.linear_probe import Fitted, ProbeData, fit_probes
from elmo_tasks.analysis.probe_data import ProbeTask
from elmo_tasks.analysis.token_layers import token_layers
from elmo_tasks.embedders.frozen import bilm_embedder, frozen_embedder, random_bilm
from elmo_tasks.embedders.protocol import Embedder

SPLITS = ("train", "dev", "test")
PUBLISHED = (
    {
        "probe": "pos",
        "what": "PTB, XPOS: 512-wide biLM of the 1B Word Benchmark, linear classifier",
        "layers": {"1": 97.3, "2": 96.8},
        "source": "Peters et al. 2018, Table 6",
    },
    {
        "probe": "senses",
        "what": "fine-grained WSD (F1), nearest neighbour; first sense 65.9",
        "layers": {"1": 67.4, "2": 69.0},
        "source": "Peters et al. 2018, Table 5",
    },
    {
        "probe": "wsd",
        "what": "F1 on the five test sets together, nearest neighbour in SemCor; first sense of WordNet 65.9",
        "layers": {"1": 67.4, "2": 69.0},
        "first_sense": 65.9,
        "source": "Peters et al. 2018, Table 5",
    },
)
"""Published results, in per cent. They are not on the same data: another corpus, tags or senses, and a wider biLM."""

Tell = Callable[[str], None]


def run_probe(
    task: ProbeTask,
    *,
    bilm: str = "default",
    beside: Sequence[str] = (),
    seeds: Sequence[int] = (1,),
    epochs: int = 8,
    cache_folder: Path | None = None,
    tell: Tell = lambda line: None,
) -> dict[str, Any]:
    """Probe a biLM, a random one of the same shape, and other frozen embedders.

    A seed determines the labels of the control task, the weights of the random biLM and the order of the batches.

    Returns:
        The record as JSON values: accuracies on dev and test as fractions, one per seed; selectivity is the test
        accuracy of the task minus that of its control task.

    Raises:
        InputError: an embedder does not exist.
    """
    studied = [bilm_embedder(bilm, cache_folder), *(frozen_embedder(name, cache_folder) for name in beside)]
    found: dict[tuple[str, str], dict[str, Any]] = {}
    controls = [_controls(task, seed) for seed in seeds]
    for embedder in studied:
        tables = _tables(embedder, task, tell)
        for seed, control in zip(seeds, controls, strict=True):
            _add(found, embedder, _fit(tables, task, control, seed, epochs, tell, embedder.name))
    for seed, control in zip(seeds, controls, strict=True):
        embedder = random_bilm(bilm, seed)
        tables = _tables(embedder, task, tell)
        _add(found, embedder, _fit(tables, task, control, seed, epochs, tell, embedder.name))
    return {
        "probe": task.kind,
        "data": task.data,
        "column": task.column,
        "labels": list(task.labels),
        "tokens": {split: len(getattr(task, split).words) for split in SPLITS},
        "bilm": {"name": bilm, "fingerprint": studied[0].fingerprint},
        "seeds": list(seeds),
        "epochs": epochs,
        "majority": _majority(task, controls),
        "probes": list(found.values()),
        "published": [entry for entry in PUBLISHED if entry["probe"] == task.kind],
    }


def _tables(embedder: Embedder, task: ProbeTask, tell: Tell) -> dict[str, Tensor]:
    tables = {}
    for split in SPLITS:
        tell(f"{embedder.name}: layers of {len(getattr(task, split).words)} tokens of {split}")
        tables[split] = token_layers(embedder, getattr(task, split).sentences)
    return tables


def _fit(
    tables: dict[str, Tensor],
    task: ProbeTask,
    control: dict[str, list[int]],
    seed: int,
    epochs: int,
    tell: Tell,
    name: str,
) -> list[list[Fitted]]:
    tell(f"{name}: probes of seed {seed}")
    gold = _gold(task)
    train, dev, test = (
        ProbeData(tables[split], torch.tensor([gold[split], control[split]]).T)  # (N, 2)
        for split in SPLITS
    )
    return fit_probes(train, dev, test, n_labels=len(task.labels), seed=seed, epochs=epochs)


def _add(found: dict[tuple[str, str], dict[str, Any]], embedder: Embedder, fitted: list[list[Fitted]]) -> None:
    """Append the results of a seed to those of its embedder and layer."""
    for source, (own, control) in enumerate(zip(*fitted, strict=True)):
        layer = str(source) if source < embedder.n_layers else "mix"
        row = found.setdefault(
            (embedder.name, layer),
            {"embedder": embedder.name, "layer": layer, "dev": [], "test": [], "control": [], "selectivity": []}
            | {"penalty": [], "epoch": []}
            | ({"mix": []} if layer == "mix" else {}),
        )
        row["dev"].append(own.dev)
        row["test"].append(own.test)
        row["control"].append(control.test)
        row["selectivity"].append(own.test - control.test)
        row["penalty"].append(own.penalty)
        row["epoch"].append(own.epoch)
        if own.mix is not None:
            row["mix"].append(list(own.mix))


def _gold(task: ProbeTask) -> dict[str, list[int]]:
    """Label numbers of each split; -1 for a tag that is not in train, which no probe can predict."""
    numbers = {label: number for number, label in enumerate(task.labels)}
    return {split: [numbers.get(tag, -1) for tag in getattr(task, split).tags] for split in SPLITS}


def _controls(task: ProbeTask, seed: int) -> dict[str, list[int]]:
    """The label numbers of the control task for each split."""
    words = [word for split in SPLITS for word in getattr(task, split).words]
    labels = control_labels(words, _gold(task)["train"], seed)
    return {split: [labels[word] for word in getattr(task, split).words] for split in SPLITS}


def _majority(task: ProbeTask, controls: Sequence[dict[str, list[int]]]) -> dict[str, Any]:
    """Accuracies without vectors: one tag for all, the tag of each word, and its label in the control task.

    The last one is the accuracy of memorising the label of every training word.
    """
    gold = _gold(task)

    def by_word(labels: dict[str, list[int]], split: str) -> float:
        known = most_frequent_by_word(task.train.words, labels["train"])
        return majority_accuracy(getattr(task, split).words, labels[split], known, most_frequent(labels["train"]))

    top = most_frequent(gold["train"])
    return {
        "tag": {s: majority_accuracy(getattr(task, s).words, gold[s], {}, top) for s in ("dev", "test")},
        "word": {s: by_word(gold, s) for s in ("dev", "test")},
        "control": [by_word(control, "test") for control in controls],
    }
