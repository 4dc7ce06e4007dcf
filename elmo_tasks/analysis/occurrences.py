"""Occurrences of a word in text: their positions, and their vectors in every layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.progress import report_progress
from elmo_tasks.data.lines import open_lines
from elmo_tasks.data.senses import Occurrence, read_occurrences
from elmo_tasks.embedders.protocol import Embedder
from elmo_tasks.runs.folder import read_metrics
from elmo_tasks.text.tokens import split_tokens

_BLOCK = 256  # number of occurrences embedded at a time


def occurrences_in(
    path: Path, word: str | None, *, exact: bool = False, encoding: str = "utf-8"
) -> Iterator[Occurrence]:
    """Yield the occurrences of `word` in a file, ignoring case unless `exact`; None means every word.

    path: one tokenised sentence per line (also .xz, .gz, .bz2, .zst), read line by line, or a file of a sense corpus
    (`.jsonl`), which is read completely and yields the occurrences of the lemma.

    Raises:
        InputError: the file does not exist or is damaged.
    """
    if path.suffix == ".jsonl":
        everything = read_occurrences(path, encoding)
        yield from (found for found in everything if word is None or found.lemma.lower() == word.lower())
        return
    sought = None if word is None else word.lower()
    for number, line in open_lines(path, encoding=encoding):
        if sought is not None and sought not in line.lower():
            continue
        tokens = split_tokens(line)
        for index, token in enumerate(tokens):
            if sought is None or (token == word if exact else token.lower() == sought):
                yield Occurrence(tokens, index, token, None, f"{path}:{number}")


def position_of(word: str, tokens: Sequence[str], position: int | None = None) -> int:
    """The position of `word` in a sentence, from 0: its first occurrence, or the one at `position` (from 1).

    Raises:
        InputError: the word is not in the sentence, or not at `position`.
    """
    places = [index for index, token in enumerate(tokens) if token.lower() == word.lower()]
    if not places:
        raise InputError(f"the word {word!r} is not in the sentence {' '.join(tokens)!r}")
    if position is None:
        return places[0]
    if position - 1 not in places:
        there = ", ".join(str(place + 1) for place in places)
        raise InputError(f"--position: {word!r} is not at {position} in the sentence; its positions are {there}")
    return position - 1


def query_occurrence(
    word: str, sentence: str | None, text: Path, position: int | None = None, encoding: str = "utf-8"
) -> Occurrence:
    """Find the occurrence that others are compared with.

    It is in `sentence` (tokens separated by spaces), or else the first one in `text`; at `position` (from 1) if the
    word occurs more than once.

    Raises:
        InputError: the word does not occur in the sentence or the file.
    """
    if sentence is not None:
        tokens = split_tokens(sentence)
        return Occurrence(tokens, position_of(word, tokens, position), word, None, "--sentence")
    first = next(occurrences_in(text, word, encoding=encoding), None)
    if first is None:
        raise InputError(f"{text}: the word {word!r} does not occur")
    if position is None:
        return first
    return replace(first, index=position_of(word, first.tokens, position))


def occurrence_vectors(embedder: Embedder, occurrences: Sequence[Occurrence]) -> Tensor:
    """(N, L, D) float32: the vectors of the word. Several occurrences in one sentence share its embedding."""
    found: list[Tensor] = []
    for begin in range(0, len(occurrences), _BLOCK):
        block = occurrences[begin : begin + _BLOCK]
        sentences = list(dict.fromkeys(occurrence.tokens for occurrence in block))
        layers = dict(zip(sentences, embedder.embed(sentences), strict=True))
        # A copy, so that the other vectors of the sentence are freed.
        found += [layers[occurrence.tokens][:, occurrence.index].clone() for occurrence in block]  # (L, D)
        report_progress("embedding occurrences", len(found), len(occurrences), "occurrences")
    return torch.stack(found) if found else torch.zeros(0, embedder.n_layers, embedder.width)


def weights_of_layer(layer: str, n_layers: int) -> Tensor:
    """Layer weights (L,) that sum to 1, for the number of a layer, `average`, or the mix learned by a run (its folder).

    Raises:
        InputError: there is no such layer, or the run has no mix of this many layers.
    """
    if layer == "average":
        return torch.full((n_layers,), 1 / n_layers)
    if layer.isdecimal() and int(layer) < n_layers:
        return torch.eye(n_layers)[int(layer)]
    if not Path(layer).is_dir():
        raise InputError(f"--layer must be average, 0 to {n_layers - 1} or the folder of a run, not {layer!r}")
    mixes = read_metrics(Path(layer))["mix"]
    for learned in mixes.values():
        if len(learned["weights"]) == n_layers:
            return torch.tensor(learned["weights"])
    raise InputError(f"{layer}: the run has no mix of {n_layers} layers, only {list(mixes) or 'embedders without one'}")
