"""Checkpoints by time, each replacing the last one whole.

Deviation: Lightning's ModelCheckpoint ignores `train_time_interval` under manual optimisation (2.6), which pre-training
uses because its softmax has sparse gradients and an optimiser of its own.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import lightning


class TimedCheckpoint(lightning.Callback):
    """Saves to one file every `seconds` and at the end; a kill leaves the former file or the new one, whole."""

    def __init__(self, path: Path, seconds: float) -> None:
        self.path, self.seconds = path, seconds
        self._last = time.monotonic()

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Start the clock."""
        self._last = time.monotonic()

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Save when the time has come (process 0 decides for all)."""
        due = trainer.strategy.broadcast(time.monotonic() - self._last >= self.seconds)
        if due:
            self.save(trainer)

    def on_train_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Save the last state."""
        self.save(trainer)

    def save(self, trainer: lightning.Trainer) -> None:
        """Write beside the file, then take its name."""
        partial = self.path.with_name(f".{self.path.name}.partial")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        trainer.save_checkpoint(partial)
        if trainer.is_global_zero:
            partial.replace(self.path)
        self._last = time.monotonic()
