"""An embedder shared by several runs, so that a sentence is embedded once for all of them."""

from __future__ import annotations

from threading import Lock

from torch import Tensor

from elmo_tasks.core.sentences import checked_sentences
from elmo_tasks.demo.tokens import LIMIT
from elmo_tasks.embedders.protocol import Embedder, Sentences

_KEPT = 4 * LIMIT
"""Maximum number of tokens whose vectors are kept: all runs embed the same sentences, `LIMIT` tokens in total."""


class SharedEmbedder:
    """Wraps an embedder with the same protocol, and keeps the vectors of the last sentences in memory.

    Each sentence is embedded separately, so that its vectors do not depend on others, not even by rounding. Threads may
    share it.
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
                self._kept[words] = found
                while len(self._kept) > 1 and sum(map(len, self._kept)) > _KEPT:
                    del self._kept[next(iter(self._kept))]
        return found
