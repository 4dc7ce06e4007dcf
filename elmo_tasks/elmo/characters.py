"""Convert words to the character ids of bilm-tf's models: UTF-8 bytes and five special ids."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from elmo_tasks.core.characters import (
    BEGIN_SENTENCE,
    BEGIN_WORD,
    END_SENTENCE,
    END_WORD,
    MAX_CHARACTERS,
    N_CHARACTERS,
    PAD,
    boundary_ids,
    encode_word,
)
from elmo_tasks.core.sentences import checked_sentences

__all__ = [
    "END_WORD",
    "MAX_CHARACTERS",
    "N_CHARACTERS",
    "PAD",
    "batch_to_ids",
    "encode_vocabulary",
    "encode_word",
    "encode_words",
    "padded",
]


def encode_words(words: Sequence[str], max_characters: int = MAX_CHARACTERS) -> Tensor:
    """Character ids of `words`. Returns: (N, max_characters) int64."""
    return torch.tensor([encode_word(word, max_characters) for word in words], dtype=torch.long).view(
        len(words), max_characters
    )


def encode_vocabulary(words: Sequence[str], max_characters: int) -> Tensor:
    """Character ids of a large vocabulary whose first two entries are `<S>` and `</S>`. Returns: (V, C) int16."""
    table = torch.full((len(words), max_characters), PAD, dtype=torch.int16).numpy()
    for row, word in enumerate(words):
        data = bytearray(word.encode("utf-8", "ignore")[: max_characters - 2])
        table[row, 1 : 1 + len(data)] = data
        table[row, 1 : 1 + len(data)] += 1
        table[row, 0], table[row, 1 + len(data)] = BEGIN_WORD, END_WORD
    for row, kind in ((0, BEGIN_SENTENCE), (1, END_SENTENCE)):
        table[row] = boundary_ids(kind, max_characters)
    return torch.from_numpy(table)  # (V, C)


def batch_to_ids(batch: Sequence[Sequence[str]], max_characters: int = MAX_CHARACTERS) -> Tensor:
    """Character ids of tokenised sentences, absent words all 0. Returns: (B, T, max_characters) int64.

    The same ids as AllenNLP's function of this name.

    Args:
        batch: lists of tokens.
        max_characters: the biLM's `options.max_characters`; 50 in the published ones.

    Raises:
        InputError: a sentence is a string instead of a list of tokens.

    Examples:
        >>> batch_to_ids([["Rain", "fell"], ["No"]]).shape
        torch.Size([2, 2, 50])
    """
    return padded(batch, max_characters, lambda words: encode_words(words, max_characters))


def padded(batch: Sequence[Sequence[str]], width: int, encode: Callable[[Sequence[str]], Tensor]) -> Tensor:
    """The padded ids of sentences. encode: makes the ids of words, (N, width). Returns: (B, T, width) int64.

    Raises:
        InputError: a sentence is a string instead of a list of tokens.
    """
    batch = checked_sentences(batch)
    longest = max((len(sentence) for sentence in batch), default=0)
    ids = torch.zeros(len(batch), longest, width, dtype=torch.long)
    for row, sentence in enumerate(batch):
        if len(sentence):
            ids[row, : len(sentence)] = encode(sentence)
    return ids  # (B, T, C)
