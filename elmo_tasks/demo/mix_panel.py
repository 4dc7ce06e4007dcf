"""A run's learned mix of layers as HTML: one bar, cut as the weights are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from elmo_tasks.demo.figures import word


def mix_panel(mix: Mapping[str, Mapping[str, Any]]) -> str:
    """mix: what `EmbeddingMix.mix_weights` returns; "" if nothing was mixed."""
    return "".join(_bar(name, learned["weights"], learned["gamma"]) for name, learned in mix.items())


def _bar(name: str, weights: list[float], gamma: float) -> str:
    pieces = "".join(
        f'<span class="m{min(layer, 9)}" style="flex-grow:{weight:.4f}" title="layer {layer}: {weight:.3f}">'
        f"{layer}: {weight:.2f}</span>"
        for layer, weight in enumerate(weights)
    )
    return (
        f'<div class="mix"><span class="name">learned mix of {word(name)}</span><span class="stack">{pieces}</span>'
        f'<span class="value">&gamma; {gamma:.2f}</span></div>'
    )
