"""Convert a word to the character ids of bilm-tf's models: UTF-8 bytes and five special ids. No torch."""

from __future__ import annotations

# The ids for inference are those of training (bilm-tf's UnicodeCharsVocabulary) plus 1, because 0 marks an absent word.
BEGIN_SENTENCE, END_SENTENCE, BEGIN_WORD, END_WORD, PAD = 257, 258, 259, 260, 261
N_CHARACTERS = 262
MAX_CHARACTERS = 50
_BOUNDARIES = {"<S>": BEGIN_SENTENCE, "</S>": END_SENTENCE}


def encode_word(word: str, max_characters: int = MAX_CHARACTERS) -> list[int]:
    """Character ids of one word: begin-of-word, at most `max_characters - 2` UTF-8 bytes, end-of-word, padding.

    A longer word is truncated at the byte, even inside a character, as in bilm-tf. Lone surrogates are left out. The
    words `<S>` and `</S>` are the sentence boundaries themselves, as in bilm-tf and AllenNLP.
    """
    if word in _BOUNDARIES:
        return boundary_ids(_BOUNDARIES[word], max_characters)
    data = word.encode("utf-8", "ignore")[: max_characters - 2]
    return [BEGIN_WORD, *(byte + 1 for byte in data), END_WORD, *[PAD] * (max_characters - 2 - len(data))]


def boundary_ids(kind: int, max_characters: int = MAX_CHARACTERS) -> list[int]:
    """Character ids of `<S>` (kind `BEGIN_SENTENCE`) or `</S>` (`END_SENTENCE`)."""
    return [BEGIN_WORD, kind, END_WORD, *[PAD] * (max_characters - 3)]
