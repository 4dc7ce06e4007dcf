"""`transformer` and `minilm`: a Hugging Face encoder, frozen or fine-tuned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from elmo_tasks.core.settings import bounded, matching
from elmo_tasks.embedders.confinement import confined
from elmo_tasks.embedders.elmo import frozen_device
from elmo_tasks.embedders.protocol import Input, Provider, Request


@dataclass(frozen=True)
class TransformerSettings:
    """`transformer:` in a configuration, also for `minilm`.

    model: the encoder that `transformer` without a name refers to.
    pooling: a word is the `mean` of its pieces or the `first` one.
    layers: `mix` for a learned mix of all layers, or the number of one layer.
    layer_norm: whether the mixed vectors are normalised.
    dropout: dropout on the mixed vectors.
    trainable: whether the encoder is fine-tuned with the task; its vectors are then not cached.
    learning_rate: learning rate of the fine-tuned encoder in the first epoch; it falls as that of the task does.
    warmup: number of updates over which its learning rate rises from 0.
    """

    model: str = "minilm"
    pooling: Literal["mean", "first"] = "mean"
    layers: str = matching("mix", r"mix|\d+", "mix or the number of a layer")
    layer_norm: bool = False
    dropout: float = bounded(0.0, least=0, below=1)
    trainable: bool = False
    learning_rate: float = bounded(5e-5, above=0)
    warmup: int = bounded(100, least=0)


def build(request: Request, settings: TransformerSettings) -> Input:
    """The hidden layers of the encoder, cached on disk and mixed in the model, or computed there if it is trained."""
    from elmo_tasks.embedders.inputs import frozen_input
    from elmo_tasks.embedders.transformer.embedder import TransformerEmbedder

    model = request.detail or settings.model
    if request.within is not None and model != "minilm":
        model = confined(model, request.within, hub=True, bare=True)
    device = "cpu" if settings.trainable else frozen_device()
    embedder = TransformerEmbedder(model, name=request.name, pooling=settings.pooling, device=device)
    if settings.trainable:
        from elmo_tasks.embedders.transformer.tuned import TunedTransformer
        from elmo_tasks.nn.embedding_mix import OwnRate

        return TunedTransformer(
            embedder,
            OwnRate(settings.learning_rate, settings.warmup),
            layers=settings.layers,
            layer_norm=settings.layer_norm,
            dropout=settings.dropout,
        )
    return frozen_input(embedder, request.cache_folder, settings.layers, settings.layer_norm, settings.dropout)


MINILM = Provider(
    build,
    TransformerSettings,
    "transformer",
    "MiniLM-L6, inside a package; frozen, or fine-tuned with transformer.trainable",
    preset="minilm",
    contextual=True,
)
PROVIDER = Provider(
    build,
    TransformerSettings,
    "transformer",
    "any Hugging Face encoder, a folder or hf:ORG/NAME on the hub; frozen, or fine-tuned with transformer.trainable",
    "MODEL",
    contextual=True,
)
