"""Linear probes: softmax regressions on every layer and on the learned mix, all trained together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from elmo_tasks.analysis.token_layers import Standard
from elmo_tasks.core.progress import report_progress

PENALTIES = (0.0, 1e-4, 1e-3)
"""The L2 penalties, one of which is selected on dev: `penalty / 2 * |W|^2` is added to the mean loss per token."""
_EVALUATED = 4096  # tokens per step of the evaluation


class ProbeBank(nn.Module):
    """H probes on each of S sources: the L layers and, if there are several, their mix (one ScalarMix per probe).

    The probes share no parameters, so training on the sum of their losses is equivalent to training each one alone. The
    mix has no gamma, because the weights of the probe can scale. Weights start at 0; the problem of a single layer is
    convex.
    """

    def __init__(self, *, n_layers: int, width: int, n_heads: int, n_labels: int) -> None:
        super().__init__()
        self.n_layers, self.n_heads, self.n_labels = n_layers, n_heads, n_labels
        self.n_sources = n_layers + (n_layers > 1)
        self.weight = nn.Parameter(torch.zeros(self.n_sources, width, n_heads * n_labels))
        self.bias = nn.Parameter(torch.zeros(self.n_sources, 1, n_heads * n_labels))
        self.mix = nn.Parameter(torch.zeros(n_heads, n_layers))

    def forward(self, layers: Tensor) -> Tensor:
        """layers: (b, L, D) -> logits (S, b, H, K), the mix last."""
        tokens, count = len(layers), self.n_layers
        logits = torch.baddbmm(self.bias[:count], layers.transpose(0, 1), self.weight[:count])  # (L, b, H * K)
        logits = logits.view(count, tokens, self.n_heads, self.n_labels)  # (L, b, H, K)
        if count == 1:
            return logits
        mixed = torch.einsum("hl,bld->hbd", self.mix.softmax(-1), layers)  # (H, b, D)
        own = self.weight[-1].view(-1, self.n_heads, self.n_labels).transpose(0, 1)  # (H, D, K)
        last = torch.bmm(mixed, own).transpose(0, 1) + self.bias[-1].view(self.n_heads, self.n_labels)  # (b, H, K)
        return torch.cat([logits, last[None]])  # (S, b, H, K)

    def penalty(self, strengths: Tensor) -> Tensor:
        """strengths: (H,) -> the sum over all probes of `strength / 2 * |W|^2`; biases and mixes are not penalised."""
        squares = self.weight.square().sum((0, 1)).view(self.n_heads, self.n_labels).sum(1)  # (H,)
        return (strengths * squares).sum() / 2


@dataclass(frozen=True)
class Fitted:
    """The probe for one source and task selected on dev. mix: the learned layer weights if the source is the mix."""

    dev: float
    test: float
    penalty: float
    epoch: int
    mix: tuple[float, ...] | None


@dataclass(frozen=True)
class ProbeData:
    """A split: (N, L, D) float16 layers and (N, H) int64 labels, one column per task; -1 for labels not in train."""

    layers: Tensor
    labels: Tensor


def fit_probes(
    train: ProbeData,
    dev: ProbeData,
    test: ProbeData,
    *,
    n_labels: int,
    penalties: tuple[float, ...] = PENALTIES,
    epochs: int = 10,
    rate: float = 5e-3,
    batch_size: int = 512,
    seed: int = 1,
) -> list[list[Fitted]]:
    """Train a probe for every task, source and penalty, and evaluate on test once, at the end.

    Penalty and epoch are selected on dev. Adam with a learning rate that decreases linearly to 0; small data has at
    least 40 updates per epoch.

    Returns:
        For each task (column of `labels`) the probes of the sources: the layers in order, then the mix.
    """
    tasks, chances = train.labels.shape[1], len(penalties)
    standard = Standard.of(train.layers)
    count, (_, layers, width) = len(train.layers), train.layers.shape
    bank = ProbeBank(n_layers=layers, width=width, n_heads=tasks * chances, n_labels=n_labels)
    strengths = torch.tensor(penalties).repeat(tasks)  # (H,)
    size = max(1, min(batch_size, count // 40))
    optimiser = torch.optim.Adam(bank.parameters(), lr=rate)
    decay = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 1e-2, total_iters=epochs * -(-count // size))
    best = torch.full((bank.n_sources, bank.n_heads), -1.0)
    when = torch.zeros_like(best, dtype=torch.long)
    kept = {name: value.detach().clone() for name, value in bank.named_parameters()}
    mixes = bank.mix.detach().clone()
    for epoch in range(epochs):
        report_progress("training probes", epoch, epochs, "epochs")
        for rows in _batches(count, size, seed * 1_009 + epoch):
            loss = _loss(bank(standard.apply(train.layers[rows])), train.labels[rows].repeat_interleave(chances, 1))
            optimiser.zero_grad()
            torch.autograd.backward(loss + bank.penalty(strengths))
            optimiser.step()
            decay.step()
        scores = _accuracy(bank, standard, dev, chances)  # (S, H)
        better = scores > best
        best, when = torch.where(better, scores, best), torch.where(better, epoch + 1, when)
        columns = better.repeat_interleave(n_labels, 1)[:, None]  # (S, 1, H * K)
        for name in ("weight", "bias"):
            kept[name] = torch.where(columns, getattr(bank, name).detach(), kept[name])
        mixes = torch.where(better[-1][:, None], bank.mix.detach(), mixes)
    report_progress("training probes", epochs, epochs, "epochs")
    chosen = best.view(-1, tasks, chances).argmax(-1)  # (S, tasks)
    bank.load_state_dict(kept | {"mix": mixes})
    read = _accuracy(bank, standard, test, chances).view(-1, tasks, chances).gather(-1, chosen[..., None])[..., 0]
    return [
        [
            Fitted(
                dev=best[source, head].item(),
                test=read[source, task].item(),
                penalty=penalties[head - task * chances],
                epoch=int(when[source, head]),
                mix=tuple(mixes[head].softmax(-1).tolist()) if source == layers else None,
            )
            for source in range(bank.n_sources)
            for head in [task * chances + int(chosen[source, task])]
        ]
        for task in range(tasks)
    ]


def _loss(logits: Tensor, labels: Tensor) -> Tensor:
    """logits: (S, b, H, K), labels: (b, H) -> the sum over probes of the mean cross-entropy per token."""
    sources, tokens = logits.shape[:2]
    wide = labels.expand(sources, *labels.shape)
    return functional.cross_entropy(logits.flatten(0, 2), wide.flatten(), reduction="sum") / tokens


@torch.no_grad()
def _accuracy(bank: ProbeBank, standard: Standard, split: ProbeData, chances: int) -> Tensor:
    """(S, H): the accuracy of each probe."""
    right = torch.zeros(bank.n_sources, bank.n_heads, dtype=torch.long)
    for layers, labels in zip(*(torch.split(t, _EVALUATED) for t in (split.layers, split.labels)), strict=True):
        guessed = bank(standard.apply(layers)).argmax(-1)  # (S, b, H)
        right += (guessed == labels.repeat_interleave(chances, 1)).sum(1)
    return right / len(split.labels)


def _batches(count: int, size: int, seed: int) -> Iterator[Tensor]:
    """Yield the row numbers of each batch of an epoch, in random order."""
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    yield from torch.split(order, size)
