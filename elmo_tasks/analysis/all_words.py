"""Word sense disambiguation of all words by nearest neighbour (Peters et al. 2018, section 5.3 and Table 5).

A sense is the mean of the vectors of all its occurrences in SemCor; a test word gets the sense of its lemma with the
highest cosine, and the first sense if SemCor does not have its lemma. A word of several tokens has their mean vector.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from elmo_tasks.analysis.probing import PUBLISHED
from elmo_tasks.analysis.senses import first_sense, nearest_of
from elmo_tasks.core.errors import InputError
from elmo_tasks.core.paths import data_root
from elmo_tasks.core.progress import report_progress
from elmo_tasks.data.all_words import AllWords, SenseSentence, SenseTarget, read_all_words
from elmo_tasks.embedders.frozen import bilm_embedder, frozen_embedder, random_bilm
from elmo_tasks.embedders.protocol import Embedder

TOGETHER = "all"
"""The name of the concatenation of the test sets."""
_BLOCK = 256  # number of sentences embedded at a time
Answers = list[str | None]


def load_all_words(folder: str | None = None, index: Path | None = None, encoding: str = "utf-8") -> AllWords:
    """Load `semcor` and `wsd_eval` from a folder, by default `$ELMO_TASKS_DATA`, and WordNet's `index.sense`, if given.

    Raises:
        InputError: there is no folder, or a file is missing or damaged.
    """
    root = data_root() if folder is None else Path(folder)
    if root is None:
        raise InputError(
            "probe wsd: set ELMO_TASKS_DATA to a folder with semcor and wsd_eval, or name it: probe wsd DIR"
        )
    return read_all_words(root, index, encoding)


def targets_of(sentences: Sequence[SenseSentence]) -> list[SenseTarget]:
    """The annotated words of sentences, in order."""
    return [target for sentence in sentences for target in sentence.targets]


def counted_order(train: Sequence[SenseTarget]) -> dict[str, tuple[str, ...]]:
    """The senses of each lemma by decreasing count; equally frequent senses by their first occurrence."""
    counts: dict[str, Counter[str]] = {}
    for target in train:
        counts.setdefault(target.lemma, Counter()).update(target.senses)
    return {lemma: tuple(sense for sense, _ in found.most_common()) for lemma, found in counts.items()}


def sense_means(embedder: Embedder, sentences: Sequence[SenseSentence], rows: Mapping[str, int]) -> Tensor:
    """(S, L, D) float32: the mean vectors of the senses, whose row is given by `rows`.

    A word with several senses counts for each of them.
    """
    sums = torch.zeros(len(rows), embedder.n_layers, embedder.width)
    counts = torch.zeros(len(rows))
    for targets, vectors in _target_vectors(embedder, sentences):
        pairs = [(rows[sense], number) for number, (_, target) in enumerate(targets) for sense in target.senses]
        to, of = torch.tensor(pairs).T
        sums.index_add_(0, to, vectors[of])
        counts.index_add_(0, to, torch.ones(len(to)))
    return sums / counts[:, None, None]


def target_vectors(embedder: Embedder, sentences: Sequence[SenseSentence]) -> Tensor:
    """(N, L, D) float32: the vectors of the N annotated words of sentences, in order."""
    found = torch.zeros(sum(len(s.targets) for s in sentences), embedder.n_layers, embedder.width)
    for targets, vectors in _target_vectors(embedder, sentences):
        found[[number for number, _ in targets]] = vectors
    return found


def disambiguate(
    test: Sequence[SenseTarget],
    vectors: Tensor,
    means: Tensor,
    rows: Mapping[str, int],
    orders: Mapping[str, Sequence[str]],
) -> Answers:
    """The sense of each word: of its lemma's senses in `rows`, the one whose mean has the highest cosine.

    test: N words; vectors: (N, D); means: (S, D); orders: the senses of each lemma. If cosines are equal, the earlier
    sense wins. If no sense of the lemma has a row, the answer is its first sense, or None if none is listed.
    """
    trained = {lemma: [sense for sense in senses if sense in rows] for lemma, senses in orders.items()}
    answers: Answers = []
    for target, vector in zip(test, vectors, strict=True):
        if senses := trained.get(target.lemma):
            answers.append(senses[nearest_of(means[[rows[sense] for sense in senses]], vector)])
        else:
            answers.append(first_sense(orders, target.lemma))
    return answers


def f1(gold: Sequence[SenseTarget], answers: Sequence[str | None]) -> float:
    """F1 as the scorer of the unified framework defines it.

    An answer is right if it is any of the gold senses. Precision is the share of the answers that are right, recall
    the share of all words; both are equal if every word has an answer.
    """
    right = sum(answer in target.senses for target, answer in zip(gold, answers, strict=True))
    answered = sum(answer is not None for answer in answers)
    return 2 * right / (answered + len(gold)) if right else 0.0


def run_all_words_probe(
    data: AllWords,
    *,
    bilm: str = "default",
    beside: Sequence[str] = (),
    seeds: Sequence[int] = (1,),
    cache_folder: Path | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """F1 of every layer and of their average on each test set, for a biLM, other embedders and random biLMs.

    Returns:
        The record as JSON values: F1 as fractions, one per seed of the random biLM. `unseen` counts the test words
        that get their first sense since SemCor does not have their lemma, `unanswered` those without any sense.

    Raises:
        InputError: an embedder does not exist.
    """
    train = targets_of(data.train)
    counted = counted_order(train)
    orders = {
        lemma: tuple(dict.fromkeys((*data.wordnet.get(lemma, ()), *counted.get(lemma, ()))))
        for lemma in {*data.wordnet, *counted}
    }
    rows = {sense: row for row, sense in enumerate(sense for senses in counted.values() for sense in senses)}
    sentences = [sentence for test in data.tests.values() for sentence in test]
    gold = targets_of(sentences)
    places = _places(data)
    studied = [bilm_embedder(bilm, cache_folder), *(frozen_embedder(name, cache_folder) for name in beside)]
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for embedder in (*studied, *(random_bilm(bilm, seed) for seed in seeds)):
        tell(f"{embedder.name}: {len(train)} training and {len(gold)} test words")
        means = _with_average(sense_means(embedder, data.train, rows))  # (S, L + 1, D)
        vectors = _with_average(target_vectors(embedder, sentences))  # (N, L + 1, D)
        for source in range(vectors.shape[1]):
            layer = str(source) if source < embedder.n_layers else "average"
            answers = disambiguate(gold, vectors[:, source], means[:, source].contiguous(), rows, orders)
            row = found.setdefault(
                (embedder.name, layer), {"embedder": embedder.name, "layer": layer, "test": [], "sets": {}}
            )
            scores = _scores(gold, answers, places)
            row["test"].append(scores[TOGETHER])
            for name, score in scores.items():
                row["sets"].setdefault(name, []).append(score)
    baselines = {"most frequent sense": {lemma: (*counted.get(lemma, ()), *orders[lemma]) for lemma in orders}}
    if data.wordnet:
        baselines = {"first sense, WordNet": orders} | baselines
    firsts = {name: [first_sense(order, target.lemma) for target in gold] for name, order in baselines.items()}
    unseen = [target.lemma not in counted for target in gold]
    return {
        "probe": "wsd",
        "data": "wsd",
        "train": {
            "sentences": len(data.train),
            "words": len(train),
            "senses": len(rows),
            "lemmas": len(counted),
        },
        "words": {name: place.stop - place.start for name, place in places.items()},
        "wordnet": bool(data.wordnet),
        "unseen": {name: sum(unseen[place]) for name, place in places.items()},
        "unanswered": {
            name: sum(target.lemma not in orders for target in gold[place]) for name, place in places.items()
        },
        "bilm": {"name": bilm, "fingerprint": studied[0].fingerprint},
        "seeds": list(seeds),
        "first_sense": {name: _scores(gold, answers, places) for name, answers in firsts.items()},
        "probes": list(found.values()),
        "published": [entry for entry in PUBLISHED if entry["probe"] == "wsd"],
    }


def _target_vectors(
    embedder: Embedder, sentences: Sequence[SenseSentence]
) -> Iterator[tuple[list[tuple[int, SenseTarget]], Tensor]]:
    """Annotated words with their numbers, and their vectors (n, L, D), block by block; short sentences come first."""
    numbers, count = [], 0
    for sentence in sentences:
        numbers.append(count)
        count += len(sentence.targets)
    order = sorted(range(len(sentences)), key=lambda index: len(sentences[index].tokens))
    done = 0
    for begin in range(0, len(order), _BLOCK):
        block = order[begin : begin + _BLOCK]
        embedded = embedder.embed([sentences[index].tokens for index in block])
        targets, vectors = list[tuple[int, SenseTarget]](), list[Tensor]()
        for index, layers in zip(block, embedded, strict=True):  # (L, T, D)
            for number, target in enumerate(sentences[index].targets, numbers[index]):
                targets.append((number, target))
                vectors.append(layers[:, target.start : target.end].mean(1))
        done += len(targets)
        report_progress(f"annotated words, {embedder.name}", done, count, "words")
        yield targets, torch.stack(vectors)


def _with_average(vectors: Tensor) -> Tensor:
    """(N, L, D) to (N, L + 1, D): the layers, and their average if there are several."""
    return torch.cat([vectors, vectors.mean(1, keepdim=True)], dim=1) if vectors.shape[1] > 1 else vectors


def _places(data: AllWords) -> dict[str, slice]:
    """Where the words of each test set are among those of all."""
    places, begin = dict[str, slice](), 0
    for name, sentences in data.tests.items():
        end = begin + len(targets_of(sentences))
        places[name] = slice(begin, end)
        begin = end
    return places | {TOGETHER: slice(0, begin)}


def _scores(gold: Sequence[SenseTarget], answers: Answers, places: Mapping[str, slice]) -> dict[str, float]:
    return {name: f1(gold[place], answers[place]) for name, place in places.items()}
