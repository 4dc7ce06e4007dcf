"""Checkpoints by time or by steps, each atomically replacing the previous one.

Deviation: Lightning's ModelCheckpoint ignores `train_time_interval` under manual optimisation (2.6), which pre-training
uses because its softmax has sparse gradients and an optimiser of its own.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import lightning
from lightning.fabric.plugins import TorchCheckpointIO

from elmo_tasks.core.memory import return_freed_memory
from elmo_tasks.pretraining.module import Pretraining
from elmo_tasks.runs.checkpoint_file import write_checkpoint


class WholeCheckpoints(TorchCheckpointIO):
    """Lightning's checkpoint storage, except that files are written by `write_checkpoint`."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write the checkpoint. Raises OSError if it cannot be written, for example because the disk is full."""
        write_checkpoint(checkpoint, Path(path))


class TimedCheckpoint(lightning.Callback):
    """Save to one file every `seconds`, or every `steps` windows, and at the end.

    A killed run leaves either the old file or the new one, complete. Nothing is saved within an update.
    """

    def __init__(self, path: Path, seconds: float, steps: int | None = None) -> None:
        self.path, self.seconds, self.steps = path, seconds, steps
        self._last, self._seen = time.monotonic(), 0

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Start the clock."""
        assert isinstance(pl_module, Pretraining)
        self._last, self._seen = time.monotonic(), pl_module.windows_seen

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Save if a checkpoint is due (process 0 decides for all)."""
        assert isinstance(pl_module, Pretraining)
        if pl_module.mid_update:
            return
        counted = self.steps is not None and pl_module.windows_seen // self.steps > self._seen // self.steps
        self._seen = pl_module.windows_seen
        if trainer.strategy.broadcast(counted or time.monotonic() - self._last >= self.seconds):
            self.save(trainer)

    def on_train_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Save the final state."""
        self.save(trainer)

    def save(self, trainer: lightning.Trainer) -> None:
        """Replace the file, and return the memory of past windows to the system."""
        trainer.save_checkpoint(self.path)
        return_freed_memory()
        self._last = time.monotonic()
