"""The frozen biLM as an embedder."""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor

from elmo_tasks.elmo import BiLM, load_bilm
from elmo_tasks.elmo.engine import Engine
from elmo_tasks.embedders.protocol import Sentences


class BilmEmbedder:
    """All layers of a biLM, computed by the inference engine in `precision` (see `elmo_tasks.elmo.engine.resolve`).

    A sentence's vectors do not depend on its neighbours, see `Engine` for what holds to which bit. Threads may share an
    embedder, and it can be pickled.
    """

    def __init__(
        self,
        weights: str = "default",
        name: str = "elmo",
        token_budget: int | None = None,
        precision: str = "auto",
        device: str | torch.device = "cpu",
    ) -> None:
        """device: where to compute; the vectors come back to the CPU. The other arguments are the engine's."""
        self.name, self.weights = name, weights
        bilm = load_bilm(weights)
        self.n_layers, self.width = bilm.n_layers, bilm.width
        self.parameters = sum(weight.numel() for weight in bilm.parameters())
        self.engine = Engine(bilm, precision=precision, token_budget=token_budget, device=device)
        self.fingerprint = f"elmo-{_digest(bilm)}.{self.engine.arithmetic.replace('/', '-')}"

    def embed(self, sentences: Sentences) -> list[Tensor]:
        """One (L, T, D) float32 tensor per sentence."""
        return self.engine.embed(sentences)


def _digest(bilm: BiLM) -> str:
    """Of options and every weight."""
    digest = hashlib.blake2b(bilm.options.to_json().encode(), digest_size=16)
    for key, value in sorted(bilm.state_dict().items()):
        digest.update(key.encode())
        digest.update(value.contiguous().numpy().tobytes())
    return digest.hexdigest()
