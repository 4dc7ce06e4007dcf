"""Convert words to the ids that a biLM reads: one row per word, all 0 for an absent word."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from elmo_tasks.core.errors import InputError
from elmo_tasks.elmo.characters import MAX_CHARACTERS, N_CHARACTERS, PAD, encode_word
from elmo_tasks.elmo.options import BilmOptions, Dictionary


class ByteSpelling:
    """UTF-8 bytes, as made by `batch_to_ids`, for the biLMs of bilm-tf.

    Attributes:
        boundaries: the words before and after each sentence.
        pad: the id that pads a word to the maximum number of characters.
        width: number of ids per word.
        maker: the call that makes such ids, for messages.
    """

    boundaries, pad = ("<S>", "</S>"), PAD

    def __init__(self, max_characters: int) -> None:
        self.width = max_characters
        number = "" if max_characters == MAX_CHARACTERS else f", max_characters={max_characters}"
        self.maker = f"batch_to_ids(sentences{number})"

    def limits(self) -> list[int]:
        """The exclusive upper limit of the ids in each of the `width` columns."""
        return [N_CHARACTERS] * self.width

    def ids(self, word: str) -> list[int]:
        """The `width` ids of one word."""
        return encode_word(word, self.width)


class DictionarySpelling:
    """The characters of a dictionary and, in the last column, the word itself, for the biLMs of ELMoForManyLangs.

    An id is the position in the dictionary plus 1. Words are truncated to `max_characters - 2` Unicode characters
    before they are looked up; case is kept. The words `<bos>` and `<eos>` are the sentence boundaries themselves. The
    attributes are those of `ByteSpelling`.
    """

    boundaries, maker = ("<bos>", "<eos>"), "the biLM's own batch_to_ids(sentences)"

    def __init__(self, dictionary: Dictionary, max_characters: int) -> None:
        self.max_characters, self.width = max_characters, max_characters + 1
        self._characters = {character: number for number, character in enumerate(dictionary.characters, 1)}
        self._words = {word: number for number, word in enumerate(dictionary.words, 1)}
        self.pad = self._characters["<pad>"]
        # In their code <eow> opens a word and <bow> closes it.
        self._open, self._close = self._characters["<eow>"], self._characters["<bow>"]
        self._limits = (1 + len(dictionary.characters), 1 + max(1, len(dictionary.words)))

    def limits(self) -> list[int]:
        """The exclusive upper limit of the ids in each of the `width` columns."""
        return [self._limits[0]] * self.max_characters + [self._limits[1]]

    def ids(self, word: str) -> list[int]:
        """The `width` ids of one word."""
        known, other = self._characters, self._characters["<oov>"]
        if word in self.boundaries:
            inner = [known[word]]
        else:
            word = word[: self.max_characters - 2]
            inner = [known.get(character, other) for character in word]
        padding = [self.pad] * (self.max_characters - 2 - len(inner))
        whole = self._words.get(word, self._words["<oov>"]) if self._words else 1
        return [self._open, *inner, self._close, *padding, whole]


Spelling = ByteSpelling | DictionarySpelling


def spelling_of(options: BilmOptions) -> Spelling:
    """The spelling that a biLM with these options reads."""
    if options.dictionary is None:
        return ByteSpelling(options.max_characters)
    return DictionarySpelling(options.dictionary, options.max_characters)


def encode(spelling: Spelling, words: Sequence[str]) -> Tensor:
    """The ids of words. Returns: (N, width) int64."""
    return torch.tensor([spelling.ids(word) for word in words], dtype=torch.long).view(len(words), spelling.width)


def check_ids(ids: Tensor, spelling: Spelling) -> None:
    """Check that ids (B, T, width) are valid for a biLM with this spelling.

    Raises:
        InputError: shape or width are wrong, numbers are not valid ids, or absent words precede present ones.
    """
    if ids.dim() != 3 or ids.shape[2] != spelling.width:
        raise InputError(
            f"character ids of shape {tuple(ids.shape)} do not fit this biLM, which reads {spelling.width} per word; "
            f"make them with {spelling.maker}"
        )
    if not ids.numel():
        return
    limits = spelling.limits()
    if ids.is_floating_point() or bool(((ids < 0) | (ids >= torch.tensor(limits, device=ids.device))).any()):
        raise InputError(
            f"character ids must be whole numbers from 0 to {max(limits) - 1}, not {ids.dtype} from "
            f"{ids.min().item()} to {ids.max().item()}; make them with {spelling.maker}"
        )
    present = (ids > 0).any(dim=-1)  # (B, T)
    late = (present[:, 1:] & ~present[:, :-1]).any(dim=1)  # (B,)
    if bool(late.any()):
        raise InputError(
            f"character ids of sentence {int(late.nonzero()[0])} have an absent word before a present one; pad on the "
            "right, as batch_to_ids does"
        )
