"""`random`, a control: a fixed random vector per word, without any pre-training."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from elmo_tasks.core.sentences import checked_sentences
from elmo_tasks.embedders.protocol import Input, NoSettings, Provider, Request, Sentences

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


def build(request: Request, settings: NoSettings) -> Input:
    """Random vectors of the default width."""
    from elmo_tasks.embedders.inputs import FrozenInput

    return FrozenInput(RandomEmbedder())


PROVIDER = Provider(build, NoSettings, "random", "a fixed random vector per word: the control")


class RandomEmbedder:
    """Standard normal vectors drawn from a hash of the word: the same word has the same vector in every run."""

    n_layers = 1

    def __init__(self, width: int = 50, name: str = "random") -> None:
        self.name, self.width = name, width

    @property
    def fingerprint(self) -> str:
        """Depends only on the width."""
        return f"random-{self.width}"

    @property
    def parameters(self) -> int:
        """Always 0: vectors are drawn when they are needed."""
        return 0

    def embed(self, sentences: Sentences) -> list[Tensor]:
        """One (1, T, D) tensor per sentence. Raises InputError for a string instead of a list of tokens."""
        import numpy as np
        import torch

        sentences = checked_sentences(sentences)
        known = {word: self._vector(word) for words in sentences for word in words}
        return [
            torch.from_numpy(np.stack([known[word] for word in words]))[None]
            if words
            else torch.zeros(1, 0, self.width)
            for words in sentences
        ]  # (1, T, D)

    def _vector(self, word: str) -> np.ndarray[Any, np.dtype[np.float32]]:
        import numpy as np

        seed = hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        return np.random.default_rng(int.from_bytes(seed, "little")).standard_normal(self.width).astype(np.float32)
