"""Pre-training a biLM: the LightningModule that drives `Objective` over the windows of a corpus."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import lightning
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from elmo_tasks.core.errors import InputError
from elmo_tasks.nn.dropout import seed_draws
from elmo_tasks.nn.finite import FiniteCheck
from elmo_tasks.pretraining.gradients import average_gradients, average_sparse_gradients, clip_gradients
from elmo_tasks.pretraining.objective import EncodedWords, Objective, StreamState, Window
from elmo_tasks.pretraining.windows import BEGIN, END, Windows, WordWindow


@dataclass(frozen=True)
class Schedule:
    """Learning rate by window: linear warm-up, constant, linear decay to 0 over the last `decay` share.

    The constant stretch lets a run be lengthened after it began: only the decay depends on the end.
    """

    peak: float
    warmup: int
    total: int
    decay: float

    def rate(self, window: int) -> float:
        """The rate of the update that follows window number `window`, counted from 0."""
        left = (self.total - window) / max(1.0, self.decay * self.total)
        return self.peak * min(1.0, (window + 1) / max(1, self.warmup), max(0.0, left))


class WindowStream(IterableDataset[Window]):
    """Windows from the one that the module needs next to the last: resuming continues the exact stream."""

    def __init__(self, module: Pretraining, windows: Windows, characters: Tensor, total: int) -> None:
        self.module, self.windows, self.characters, self.total = module, windows, characters, total

    def __iter__(self) -> Iterator[Window]:
        number = self.module.windows_seen
        while number < self.total:
            group = range(number, min(self.module.end_of_encoding(number), self.total))
            yield from to_windows([self.windows.window(n, self.module.streams) for n in group], self.characters)
            number = group.stop


def to_windows(group: Sequence[WordWindow], characters: Tensor) -> list[Window]:
    """Look up the characters of the distinct words of windows that are encoded at once; the first one gets them.

    characters: (W, C) int16, every word of the corpus.
    """
    words = np.stack([window.words for window in group])  # (K, 2, T, B)
    distinct, inverse = np.unique(words, return_inverse=True)
    spelled = characters[torch.from_numpy(distinct)].long()  # (U, C)
    return [
        Window(
            characters=spelled if not place else spelled[:0],
            inputs=torch.from_numpy(inputs),  # (2, T, B)
            targets=torch.from_numpy(window.classes),  # (2, T, B)
            starts=torch.from_numpy(window.words == np.array([BEGIN, END])[:, None, None]),  # (2, T, B)
        )
        for place, (window, inputs) in enumerate(zip(group, inverse.reshape(words.shape), strict=True))
    ]


class Pretraining(lightning.LightningModule):
    """Truncated back-propagation through time with the state carried from window to window.

    Everything random is drawn from seeds that name the window, so a run that is killed and resumed from a checkpoint
    goes on exactly as it would have. Several processes share the streams, draw the same classes and make the update
    that one process would make.

    The character encoder may read the distinct words of several windows at once, because most of these words occur in
    more than one. The layers above it and the softmax are still updated after each window; the encoder is updated once
    for all of these windows, by the mean of their gradients. Its learning rate is multiplied by the square root of the
    number of updates that this one replaces, as for large batches (Malladi et al. 2022, "On the SDEs and scaling rules
    for adaptive gradient algorithms"). Multiplied by their number, it disturbs a biLM that is trained further.

    Args:
        accumulate: windows whose mean gradient makes one update.
        windows_per_encoding: windows whose words are encoded at once: 1, or a multiple of `accumulate`.
    """

    def __init__(
        self,
        objective: Objective,
        *,
        schedule: Schedule,
        optimizer: str,
        clip_norm: float,
        seed: int,
        accumulate: int = 1,
        windows_per_encoding: int = 1,
    ) -> None:
        super().__init__()
        if optimizer not in ("adamw", "adagrad"):
            raise InputError(f"optimizer must be adamw or adagrad, not {optimizer!r}")
        self.automatic_optimization = False
        self.objective, self.schedule, self.optimizer = objective, schedule, optimizer
        self.clip_norm, self.seed, self.accumulate = clip_norm, seed, accumulate
        self.windows_per_encoding = windows_per_encoding
        # Read by DistributedDataParallel: these are averaged by hand, once per update.
        self._ddp_params_and_buffers_to_ignore = [
            name
            for name, _ in self.named_parameters()
            if name.startswith("objective.softmax.")
            or (windows_per_encoding > 1 and name.startswith("objective.bilm.token_encoder."))
        ]
        self.windows_seen = 0
        self.state: StreamState | None = None
        self.encoded: EncodedWords | None = None
        self.generator = torch.Generator()
        self._finite = FiniteCheck(self._not_finite)

    @property
    def world_size(self) -> int:
        """The number of processes."""
        return self.trainer.world_size if self._trainer is not None else 1

    @property
    def streams(self) -> slice:
        """This process's share of the streams."""
        return slice(self.global_rank, None, self.world_size)

    @property
    def mid_update(self) -> bool:
        """Whether gradients of some windows wait for those of others."""
        return not self._complete(self.accumulate) or self.encoded is not None

    def end_of_encoding(self, window: int) -> int:
        """The window after the last of those whose words are encoded together with those of `window`."""
        return (window // self.windows_per_encoding + 1) * self.windows_per_encoding

    def _complete(self, windows: int) -> bool:
        """Whether the last of `windows` windows was read, or the last of all."""
        return self.windows_seen % windows == 0 or self.windows_seen == self.schedule.total

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        """One optimiser for the dense parameters, one for the softmax rows, whose gradients are sparse."""
        softmax = list(self.objective.softmax.parameters())
        dense: list[dict[str, Any]] = [{"params": list(self.objective.bilm.parameters())}]
        if self.windows_per_encoding > 1:
            encoder = list(self.objective.bilm.token_encoder.parameters())
            layers = [
                *self.objective.bilm.forward_layers.parameters(),
                *self.objective.bilm.backward_layers.parameters(),
            ]
            replaced = self.windows_per_encoding // self.accumulate  # updates
            dense = [{"params": layers}, {"params": encoder, "factor": math.sqrt(replaced)}]
        if self.optimizer == "adagrad":
            # bilm-tf: AdagradOptimizer(0.2, initial_accumulator_value=1.0)
            return [
                torch.optim.Adagrad(parameters, lr=self.schedule.peak, initial_accumulator_value=1.0)
                for parameters in (dense, softmax)
            ]
        return [
            torch.optim.AdamW(dense, lr=self.schedule.peak, weight_decay=0.0, fused=True),
            torch.optim.SparseAdam(softmax, lr=self.schedule.peak),
        ]

    def training_step(self, batch: Window, batch_idx: int) -> None:
        """One window: forward, backward, and, when its update is complete, clip and update."""
        seed_draws(self.seed * 1_000_003 + self.windows_seen * 64 + self.global_rank, self.device)  # dropout
        self.generator.manual_seed(self.seed * 1_000_003 + self.windows_seen)  # the sampled classes
        if self.state is None:
            self.state = self.objective.initial_state(batch.inputs.shape[2])
        state = StreamState(*(part.to(self.device) for part in self.state))
        if self.windows_per_encoding > 1 and self.encoded is None:
            self.encoded = EncodedWords(self.objective.encode(batch.characters))
        vectors = None if self.encoded is None else self.encoded.leaf
        loss, self.state = self.objective(batch, state, self.generator, vectors)
        self._finite.add(loss, ("loss", self.windows_seen))
        rate = self.schedule.rate(self.windows_seen)
        # bilm-tf takes the gradient of the loss times unroll_steps; its accumulator of 1 and its clip are made for it.
        scale = batch.inputs.shape[1] if self.optimizer == "adagrad" else 1
        self.manual_backward(loss * scale / self.accumulate)
        self.windows_seen += 1
        if self.encoded is not None and self._complete(self.windows_per_encoding):
            self._end_encoding(self.encoded)
        if self._complete(self.accumulate):
            self.log("gradient_norm", self._update(rate))
        self.log("loss", loss.detach(), prog_bar=True, sync_dist=self.world_size > 1)
        self.log("learning_rate", rate)
        self.log("tokens", float(self.windows_seen * batch.inputs[0].numel() * self.world_size))

    def _end_encoding(self, encoded: EncodedWords) -> None:
        """Give the encoder the mean gradient of the windows whose words it encoded."""
        encoded.backward(self.accumulate / self.windows_per_encoding)
        if self.world_size > 1:
            average_gradients(list(self.objective.bilm.token_encoder.parameters()))
        self.encoded = None

    def _update(self, rate: float) -> Tensor:
        """Clip the gathered gradients and apply them. Returns their norm."""
        if self.world_size > 1:
            average_sparse_gradients(list(self.objective.softmax.parameters()))
        norm = clip_gradients(list(self.objective.parameters()), self.clip_norm)
        self._finite.add(norm, ("gradient", self.windows_seen - 1))
        optimizers: Any = self.optimizers()
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate * group.get("factor", 1)
            optimizer.step()
            optimizer.zero_grad()
        return norm

    def _not_finite(self, what: tuple[str, int], value: float) -> None:
        raise InputError(f"window {what[1]}: the {what[0]} is {value}; lower the learning rate")

    def on_train_end(self) -> None:
        """Look at the values of the last windows."""
        self._finite.look()

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep where the stream stands and what the layers carry."""
        self._finite.look()
        checkpoint["windows_seen"] = self.windows_seen
        checkpoint["stream_state"] = None if self.state is None else tuple(map(self._all_streams, self.state))

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take them up again.

        Raises:
            InputError: more windows were read than the run now has.
        """
        self.windows_seen = checkpoint["windows_seen"]
        kept = checkpoint["stream_state"]
        self.state = None if kept is None else StreamState(*(part[:, :, self.streams] for part in kept))
        total = self.schedule.total
        if self.windows_seen > total:
            raise InputError(
                f"--resume: the run has already read {self.windows_seen} windows, more than the {total} of n_epochs; "
                "set n_epochs higher"
            )
        if self.windows_seen < total:  # Lightning would not go on in an epoch that it took for ended
            loop = checkpoint["loops"]["fit_loop"]
            loop["epoch_loop.batch_progress"]["is_last_batch"] = False
            for counts in ("current", "total"):
                loop["epoch_progress"][counts] |= {"processed": 0, "completed": 0}

    def _all_streams(self, part: Tensor) -> Tensor:
        """Put the processes' streams together in their order. (L, 2, B / world, D) -> (L, 2, B, D)."""
        if self.world_size == 1:
            return part
        gathered = self.all_gather(part)  # (world, L, 2, B / world, D)
        assert isinstance(gathered, Tensor)
        return gathered.permute(1, 2, 3, 0, 4).flatten(2, 3)


def window_loader(stream: WindowStream) -> DataLoader[Window]:
    """One window an item, as it is."""
    return DataLoader(stream, batch_size=None)
