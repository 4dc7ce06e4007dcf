"""`chars`: a character CNN trained with the task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from elmo_tasks.core.settings import bounded
from elmo_tasks.embedders.protocol import Input, Prepared, Provider, Request, Sentences

if TYPE_CHECKING:
    from elmo_tasks.nn.char_cnn import CharCnn


@dataclass(frozen=True)
class CharsSettings:
    """`chars:` in a configuration. The defaults are those of AllenNLP's NER baseline.

    dim: width of a character's embedding.
    filters: number of filters, which is the width of a word's vector.
    width: number of characters per filter.
    """

    dim: int = bounded(16, least=1)
    filters: int = bounded(128, least=1)
    width: int = bounded(3, least=1)


def build(request: Request, settings: CharsSettings) -> Input:
    """The char-CNN."""
    return CharsInput(settings)


PROVIDER = Provider(build, CharsSettings, "chars", "character CNN, trained with the task")


class CharsInput:
    """Characters for a trainable char-CNN."""

    name = "chars"
    max_characters = 32
    tuned_words: tuple[str, ...] = ()
    frozen_parameters = 0

    def __init__(self, settings: CharsSettings | None = None) -> None:
        self.settings = settings or CharsSettings()

    @property
    def fingerprint(self) -> str:
        """The shape of the CNN."""
        return f"chars-{self.settings.dim}-{self.settings.filters}-{self.settings.width}"

    def prepare(self, sentences: Sentences) -> Prepared:
        """The UTF-8 byte ids of each sentence, (T, C), with marks at the beginning and end of a word, then 0."""
        import torch

        from elmo_tasks.core.sentences import checked_sentences
        from elmo_tasks.elmo.characters import N_CHARACTERS, encode_words
        from elmo_tasks.embedders.inputs import Looked

        sentences = checked_sentences(sentences)
        known = sorted({word for words in sentences for word in words})
        table = encode_words(known, self.max_characters)  # (V, C)
        table[table == N_CHARACTERS - 1] = 0  # this model needs no learned padding
        rows = {word: row for row, word in enumerate(known)}
        return Looked(table, [torch.tensor([rows[word] for word in words], dtype=torch.long) for words in sentences])

    def build_module(self) -> CharCnn:
        """The char-CNN."""
        from elmo_tasks.elmo.characters import N_CHARACTERS
        from elmo_tasks.nn.char_cnn import CharCnn

        shape = self.settings
        return CharCnn(n_characters=N_CHARACTERS, dim=shape.dim, filters=shape.filters, width=shape.width)
