"""`elmo`: the frozen biLM as an embedder."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.settings import bounded, matching
from elmo_tasks.elmo.weights.published import IN_SHORT, NAMES
from elmo_tasks.embedders.confinement import confined
from elmo_tasks.embedders.protocol import Input, Provider, Request, Sentences

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from elmo_tasks.elmo import BiLM


@dataclass(frozen=True)
class ElmoSettings:
    """`elmo:` in a configuration.

    weights: the biLM that `elmo` without a name refers to: a name, folder or file as for `load_bilm`.
    layers: `mix` for a learned mix of all layers, or the number of one layer.
    layer_norm: whether the mixed vectors are normalised.
    dropout: dropout on the mixed vectors.
    precision: arithmetic of the biLM: `exact` is float32, `fast` bfloat16 or 8-bit, `auto` the fastest one.
    """

    weights: str = "default"
    layers: str = matching("mix", r"mix|\d+", "mix or the number of a layer")
    layer_norm: bool = False
    dropout: float = bounded(0.0, least=0, below=1)
    precision: Literal["auto", "exact", "fast", "int8"] = "auto"


def build(request: Request, settings: ElmoSettings) -> Input:
    """The layers of the biLM, cached on disk and mixed in the model."""
    from elmo_tasks.embedders.inputs import frozen_input

    weights, precision = request.detail or settings.weights, settings.precision
    if request.within is not None:
        weights = _confined(weights, request.within)
    embedder = BilmEmbedder(weights, request.name, precision=precision, device=frozen_device(precision))
    return frozen_input(embedder, request.cache_folder, settings.layers, settings.layer_norm, settings.dropout)


def _confined(weights: str, folder: Path) -> str:
    """A known name, or files inside the folder. Raises InputError, see `confined`."""
    if weights in ("default", "shipped", *NAMES):
        return weights
    parts = weights.split(",")
    places = [confined(part.strip(), folder, hub=len(parts) == 1) for part in parts]
    if any("," in place for place in places):
        raise InputError(f"{folder}: a biLM cannot be read from a folder with a comma in its name; rename the folder")
    return ",".join(places)


PROVIDER = Provider(
    build,
    ElmoSettings,
    "elmo",
    f"frozen biLM: {', '.join(IN_SHORT)}, a folder or .zip, options,weights",
    "WEIGHTS",
    contextual=True,
)


def frozen_device(precision: str = "auto") -> torch.device:
    """The device of `--device` or `$ELMO_TASKS_DEVICE`, else the first CUDA GPU, else the CPU.

    By default, a biLM in `int8` is always on the CPU, the only device that supports it.
    """
    import torch

    from elmo_tasks.elmo.device import chosen_device

    return chosen_device() or torch.device("cuda:0" if torch.cuda.is_available() and precision != "int8" else "cpu")


class BilmEmbedder:
    """All layers of a biLM, computed by the inference engine in `precision` (see `elmo_tasks.elmo.engine.resolve`).

    The vectors of a sentence do not depend on its neighbours; `Engine` describes how exactly they are reproduced.
    Threads may share an embedder, and it can be pickled.
    """

    def __init__(
        self,
        weights: str = "default",
        name: str = "elmo",
        token_budget: int | None = None,
        precision: str = "auto",
        device: str | torch.device = "cpu",
    ) -> None:
        """device: where to compute; the vectors are returned on the CPU. The other arguments are the engine's."""
        from elmo_tasks.elmo.engine.runner import Engine
        from elmo_tasks.elmo.weights.resolve import load_bilm

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
    """A digest of the options and all weights."""
    digest = hashlib.blake2b(bilm.options.to_json().encode(), digest_size=16)
    for key, value in sorted(bilm.state_dict().items()):
        digest.update(key.encode())
        digest.update(value.contiguous().numpy().tobytes())
    return digest.hexdigest()
