"""The learned weighted sum of the layers of a biLM (Peters et al. 2018, equation 1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from elmo_tasks.core.errors import InputError

# Same constant as the reference, so that normalised outputs agree with it.
_VARIANCE_FLOOR = 1e-12


class ScalarMix(nn.Module):
    """Combine the layers of a biLM into one vector per token: `gamma * sum_l softmax(w)_l * layer_l`.

    The weights are one vector parameter, not a ParameterList, because lists are empty in the replicas of DataParallel
    (allennlp issue 5097).

    Args:
        n_layers: number of layers `L`, the token layer included.
        layer_norm: normalise every layer (without learned scale) before it is weighted.
        layer_norm_over: `"token"` normalises each token over its own `D` values, so that the result of a sentence does
            not depend on its neighbours. `"batch"` uses one mean and variance over all unmasked positions of the
            batch, like AllenNLP and bilm-tf; use it only to reproduce them.
        initial: unnormalised weights (before the softmax) to start from; zeros (equal weights) by default.
        trainable: whether weights and gamma are trained.
    """

    def __init__(
        self,
        n_layers: int,
        *,
        layer_norm: bool = False,
        layer_norm_over: Literal["token", "batch"] = "token",
        initial: Sequence[float] | None = None,
        trainable: bool = True,
    ) -> None:
        super().__init__()
        if initial is not None and len(initial) != n_layers:
            raise InputError(
                f"scalar mix: there are {len(initial)} initial weights for {n_layers} layers; give one number per "
                "layer, the token layer first"
            )
        self.n_layers = n_layers
        self.layer_norm = layer_norm
        self.layer_norm_over = layer_norm_over
        start = torch.zeros(n_layers) if initial is None else torch.tensor([float(x) for x in initial])
        self.scalar_parameters = nn.Parameter(start, requires_grad=trainable)  # (L,)
        self.gamma = nn.Parameter(torch.ones(1), requires_grad=trainable)

    def weights(self) -> Tensor:
        """The softmaxed layer weights, shape (L,); they sum to 1."""
        return torch.softmax(self.scalar_parameters, dim=0)

    def forward(self, layers: Tensor, mask: Tensor) -> Tensor:
        """Mix the layers.

        Args:
            layers: (B, L, T, D).
            mask: (B, T), True at real tokens; only used by the normalisation over the batch.

        Returns:
            (B, T, D).
        """
        if layers.dim() != 4 or layers.shape[1] != self.n_layers:
            raise ValueError(
                f"scalar mix: the layers must have shape (B, {self.n_layers}, T, D), not {tuple(layers.shape)}"
            )
        if self.layer_norm:
            layers = normalise_batch(layers, mask) if self.layer_norm_over == "batch" else _normalise_tokens(layers)
        return self.gamma * torch.einsum("l,bltd->btd", self.weights(), layers)


def _normalise_tokens(layers: Tensor) -> Tensor:
    """Normalise (B, L, T, D) to mean 0 and variance 1 over D."""
    centred = layers - layers.mean(dim=-1, keepdim=True)
    variance = centred.square().mean(dim=-1, keepdim=True)
    return centred / torch.sqrt(variance + _VARIANCE_FLOOR)


def normalise_batch(layers: Tensor, mask: Tensor) -> Tensor:
    """Normalise each layer of (B, L, T, D) to mean 0 and variance 1 over the unmasked positions of the batch."""
    real = mask.to(layers.dtype)[:, None, :, None]  # (B, 1, T, 1)
    count = real.sum() * layers.shape[-1]
    mean = (layers * real).sum(dim=(0, 2, 3), keepdim=True) / count  # (1, L, 1, 1)
    variance = ((layers - mean).square() * real).sum(dim=(0, 2, 3), keepdim=True) / count
    return (layers - mean) / torch.sqrt(variance + _VARIANCE_FLOOR)
