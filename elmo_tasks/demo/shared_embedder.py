"""One embedder that several runs read through, so that a sentence is embedded once for all of them."""

from __future__ import annotations

from torch import Tensor

from elmo_tasks.embedders.protocol import Embedder, Sentences

_KEPT = 4  # sentences; the runs of one answer ask for the same one


class SharedEmbedder:
    """The same protocol as the embedder inside; the vectors of the last sentences stay in memory.

    A sentence is embedded alone, so that its vectors depend on nothing else, not by rounding either.
    """

    def __init__(self, inner: Embedder) -> None:
        self.inner = inner
        self.name, self.n_layers, self.width = inner.name, inner.n_layers, inner.width
        self.fingerprint, self.parameters = inner.fingerprint, inner.parameters
        self._kept: dict[tuple[str, ...], Tensor] = {}

    def embed(self, sentences: Sentences) -> list[Tensor]:
        """One (L, T, D) float32 tensor a sentence."""
        return [self._one(tuple(words)) for words in sentences]

    def _one(self, words: tuple[str, ...]) -> Tensor:
        if words not in self._kept:
            while len(self._kept) >= _KEPT:
                del self._kept[next(iter(self._kept))]
            (self._kept[words],) = self.inner.embed([words])
        return self._kept[words]
