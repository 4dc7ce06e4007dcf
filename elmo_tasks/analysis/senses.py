"""Word senses by nearest neighbour (Peters et al. 2018, section 5.3): a sense is the mean of its training vectors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from elmo_tasks.analysis.occurrences import occurrence_vectors
from elmo_tasks.analysis.probing import PUBLISHED
from elmo_tasks.core.errors import InputError
from elmo_tasks.data.catalog import locate
from elmo_tasks.data.senses import Occurrence, SenseCorpus, read_sense_corpus
from elmo_tasks.embedders.frozen import bilm_embedder, frozen_embedder, random_bilm
from elmo_tasks.embedders.protocol import Embedder

_TIE = 1e-5
"""Cosines that differ by less count as equal: static vectors are identical, but the mean of copies is rounded."""


def load_sense_corpus(name: str, encoding: str = "utf-8") -> SenseCorpus:
    """Load a sense corpus by its folder, by a name below `$ELMO_TASKS_DATA`, or `sample-senses`, the shipped one.

    Raises:
        InputError: the folder does not exist or is damaged.
    """
    place = locate(name)
    if place is None:
        raise InputError(f"probe senses: there is no folder {name!r}; give one with train and test files of JSON Lines")
    return read_sense_corpus(place.folder, Path(name).name, encoding)


def sense_orders(corpus: SenseCorpus) -> dict[str, tuple[str, ...]]:
    """The senses of each lemma in order: as listed in the inventory, else by decreasing training count.

    Equally frequent senses are in the order of their first occurrence.
    """
    counts: dict[str, Counter[str]] = {}
    for occurrence in corpus.train:
        counts.setdefault(occurrence.lemma, Counter())[str(occurrence.sense)] += 1
    counted = {lemma: tuple(sense for sense, _ in found.most_common()) for lemma, found in counts.items()}
    listed = {
        lemma: (*senses, *(sense for sense in counted.get(lemma, ()) if sense not in senses))
        for lemma, senses in corpus.inventory.items()
    }
    return counted | listed


def nearest_senses(
    train: Sequence[Occurrence],
    train_vectors: Tensor,
    test: Sequence[Occurrence],
    test_vectors: Tensor,
    orders: Mapping[str, Sequence[str]],
) -> list[str | None]:
    """Predict for each test occurrence the sense of its lemma whose mean training vector has the highest cosine.

    train_vectors: (N, D), test_vectors: (M, D). If cosines are equal, the earlier sense in `orders` wins. A lemma
    without training occurrences gets its first sense, or None if none is listed.
    """
    rows: dict[str, dict[str, list[int]]] = {}
    for row, occurrence in enumerate(train):
        rows.setdefault(occurrence.lemma, {}).setdefault(str(occurrence.sense), []).append(row)
    centroids = {
        lemma: (senses, torch.stack([train_vectors[by_sense[sense]].mean(0) for sense in senses]))
        for lemma, by_sense in rows.items()
        for senses in [[sense for sense in orders[lemma] if sense in by_sense]]
    }
    found: list[str | None] = []
    for occurrence, vector in zip(test, test_vectors, strict=True):
        if occurrence.lemma not in centroids:
            found.append(first_sense(orders, occurrence.lemma))
            continue
        senses, means = centroids[occurrence.lemma]
        found.append(senses[nearest_of(means, vector)])
    return found


def first_sense(orders: Mapping[str, Sequence[str]], lemma: str) -> str | None:
    """The first sense that is listed of a lemma; None if there is none."""
    listed = orders.get(lemma)
    return listed[0] if listed else None


def nearest_of(means: Tensor, vector: Tensor) -> int:
    """The row of `means` (N, D) whose cosine with `vector` (D) is the highest; the first one if several are equal."""
    cosines = torch.cosine_similarity(means, vector[None], dim=-1).tolist()
    best = max(cosines)
    return next(n for n, cosine in enumerate(cosines) if cosine >= best - _TIE)


def run_sense_probe(
    corpus: SenseCorpus,
    *,
    bilm: str = "default",
    beside: Sequence[str] = (),
    seeds: Sequence[int] = (1,),
    cache_folder: Path | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Accuracy of every layer and of their average, for a biLM, random biLMs (one per seed) and other embedders.

    Returns:
        The record as JSON values: accuracies as fractions; `first_sense` is that of always choosing the first sense.

    Raises:
        InputError: an embedder does not exist.
    """
    orders = sense_orders(corpus)
    seen = {occurrence.lemma for occurrence in corpus.train}
    studied = [bilm_embedder(bilm, cache_folder), *(frozen_embedder(name, cache_folder) for name in beside)]
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for embedder in (*studied, *(random_bilm(bilm, seed) for seed in seeds)):
        tell(f"{embedder.name}: {len(corpus.train)} training and {len(corpus.test)} test occurrences")
        train, test = (_sources(embedder, part) for part in (corpus.train, corpus.test))  # (S, N, D), (S, M, D)
        for source in range(len(train)):
            layer = str(source) if source < embedder.n_layers else "average"
            guessed = nearest_senses(corpus.train, train[source], corpus.test, test[source], orders)
            row = found.setdefault(
                (embedder.name, layer), {"embedder": embedder.name, "layer": layer, "test": [], "by_lemma": []}
            )
            row["test"].append(_accuracy(corpus.test, guessed))
            row["by_lemma"].append(_by_lemma(corpus.test, guessed))
    first = [orders[o.lemma][0] if o.lemma in orders else None for o in corpus.test]
    return {
        "probe": "senses",
        "data": corpus.name,
        "occurrences": {"train": len(corpus.train), "test": len(corpus.test)},
        "lemmas": len({occurrence.lemma for occurrence in corpus.test}),
        "unseen": sum(occurrence.lemma not in seen for occurrence in corpus.test),
        "bilm": {"name": bilm, "fingerprint": studied[0].fingerprint},
        "seeds": list(seeds),
        "first_sense": _accuracy(corpus.test, first),
        "probes": list(found.values()),
        "published": [entry for entry in PUBLISHED if entry["probe"] == "senses"],
    }


def _sources(embedder: Embedder, occurrences: Sequence[Occurrence]) -> Tensor:
    """(S, N, D): the layers, and their average if there are several."""
    vectors = occurrence_vectors(embedder, occurrences).transpose(0, 1)  # (L, N, D)
    return torch.cat([vectors, vectors.mean(0, keepdim=True)]) if len(vectors) > 1 else vectors


def _accuracy(gold: Sequence[Occurrence], guessed: Sequence[str | None]) -> float:
    return sum(one.sense == other for one, other in zip(gold, guessed, strict=True)) / len(gold)


def _by_lemma(gold: Sequence[Occurrence], guessed: Sequence[str | None]) -> dict[str, float]:
    lemmas = sorted({occurrence.lemma for occurrence in gold})
    pairs = list(zip(gold, guessed, strict=True))
    return {
        lemma: _accuracy([o for o, _ in pairs if o.lemma == lemma], [g for o, g in pairs if o.lemma == lemma])
        for lemma in lemmas
    }
