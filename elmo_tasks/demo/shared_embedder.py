"""One embedder that several runs read through, so that a sentence is embedded once for all of them."""

from __future__ import annotations

from threading import Lock

from torch import Tensor

from elmo_tasks.core.sentences import checked_sentences
from elmo_tasks.embedders.protocol import Embedder, Sentences

_KEPT = 4  # sentences; the runs of one answer ask for the same one


class SharedEmbedder:
    """The same protocol as the embedder inside; the vectors of the last sentences stay in memory.

    A sentence is embedded alone, so that its vectors depend on nothing else, not by rounding either. The page answers
    several people at once, each in a thread.
    """

    def __init__(self, inner: Embedder) -> None:
        self.inner = inner
        self.name, self.n_layers, self.width = inner.name, inner.n_layers, inner.width
        self.fingerprint, self.parameters = inner.fingerprint, inner.parameters
        self._kept: dict[tuple[str, ...], Tensor] = {}
        self._lock = Lock()

    def embed(self, sentences: Sentences) -> list[Tensor]:
        """One (L, T, D) float32 tensor per sentence."""
        return [self._one(tuple(words)) for words in checked_sentences(sentences)]

    def _one(self, words: tuple[str, ...]) -> Tensor:
        found = self._kept.get(words)
        if found is None:
            (found,) = self.inner.embed([words])
            with self._lock:
                while len(self._kept) >= _KEPT:
                    del self._kept[next(iter(self._kept))]
                self._kept[words] = found
        return found
