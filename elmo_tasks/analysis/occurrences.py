"""Occurrences of a word in text: where they are, and their vectors in every layer."""

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

_BLOCK = 256  # occurrences that are embedded at a time


def occurrences_in(
    path: Path, word: str | None, *, exact: bool = False, encoding: str = "utf-8"
) -> Iterator[Occurrence]:
    """The occurrences of `word` in a file, in any case of its letters unless `exact`; for None every word is one.

    path: a tokenised sentence a line (also .xz, .gz, .bz2, .zst), read line by line, or a file of a sense corpus
    (`.jsonl`), which is read whole and whose occurrences are those of the lemma.

    Raises:
        InputError: no such file, or a damaged one.
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
    """Where `word` is in a sentence, from 0: its first occurrence, or at `position` (from 1).

    Raises:
        InputError: the word is not there.
    """
    places = [index for index, token in enumerate(tokens) if token.lower() == word.lower()]
    if not places:
        raise InputError(f"the word {word!r} is not in the sentence {' '.join(tokens)!r}")
    if position is None:
        return places[0]
    if position - 1 not in places:
        there = ", ".join(str(place + 1) for place in places)
        raise InputError(f"--position: expected where {word!r} is in the sentence ({there}), got {position}")
    return position - 1


def query_occurrence(
    word: str, sentence: str | None, text: Path, position: int | None = None, encoding: str = "utf-8"
) -> Occurrence:
    """The occurrence that others are compared with: in `sentence` (tokens with blanks between them), or else the first
    one of `text`; at `position` (from 1) where the word is there more than once.

    Raises:
        InputError: the word is not there, nor in the file.
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
    """(N, L, D) float32: the word's own vectors. Several occurrences of one sentence share its embedding."""
    found: list[Tensor] = []
    for begin in range(0, len(occurrences), _BLOCK):
        block = occurrences[begin : begin + _BLOCK]
        sentences = list(dict.fromkeys(occurrence.tokens for occurrence in block))
        layers = dict(zip(sentences, embedder.embed(sentences), strict=True))
        # A copy, so that the sentence's other vectors go.
        found += [layers[occurrence.tokens][:, occurrence.index].clone() for occurrence in block]  # (L, D)
        report_progress("embedding occurrences", len(found), len(occurrences), "occurrences")
    return torch.stack(found) if found else torch.zeros(0, embedder.n_layers, embedder.width)


def weights_of_layer(layer: str, n_layers: int) -> Tensor:
    """(L,) weights that sum to 1: one layer's number, `average`, or the mix that a finished run (its folder) learned.

    Raises:
        InputError: there is no such layer, or the run mixed no biLM of this many layers.
    """
    if layer == "average":
        return torch.full((n_layers,), 1 / n_layers)
    if layer.isdecimal() and int(layer) < n_layers:
        return torch.eye(n_layers)[int(layer)]
    if not Path(layer).is_dir():
        raise InputError(f"--layer: expected average, 0 to {n_layers - 1} or the folder of a run, got {layer!r}")
    mixes = read_metrics(Path(layer))["mix"]
    for learned in mixes.values():
        if len(learned["weights"]) == n_layers:
            return torch.tensor(learned["weights"])
    raise InputError(f"{layer}: expected a run that mixed {n_layers} layers, got {list(mixes) or 'no mix'}")
