"""Progress lines and records of the epochs of a run."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback

from elmo_tasks.core.files import write_text
from elmo_tasks.core.memory import peak_rss_mb, return_freed_memory, rss_mb

Tell = Callable[[str], None]


class EpochLines(Callback):
    """Collects the figures of each epoch, writes them to epochs.csv and prints one line per epoch.

    started: when the run began, by `time.perf_counter`; for a resumed run, minus the time of its earlier parts.
    """

    def __init__(self, path: Path, tell: Tell, started: float) -> None:
        self.path, self.tell, self.started = path, tell, started
        self.history: list[dict[str, float]] = []
        self._epoch_started = 0.0

    def on_train_epoch_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Start the clock."""
        self._epoch_started = time.perf_counter()

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Record the epoch; loss and dev score are known, because validation runs inside the epoch."""
        return_freed_memory()
        figures = trainer.callback_metrics
        row = {
            "epoch": float(trainer.current_epoch),
            "loss": float(figures["loss"]),
            "dev": float(figures["dev"]),
            "rate": float(figures["rate"]),
            "seconds": time.perf_counter() - self._epoch_started,
            "rss_mb": rss_mb(),
            "peak_rss_mb": peak_rss_mb(),
        }
        self.history.append(row)
        lines = [",".join(row), *(",".join(f"{value:.6g}" for value in entry.values()) for entry in self.history)]
        write_text(self.path, "\n".join(lines) + "\n")
        self.tell(
            f"epoch {trainer.current_epoch:3d}  loss {row['loss']:8.3f}  dev {row['dev']:.4f}  {row['seconds']:.1f} s"
        )

    def state_dict(self) -> dict[str, Any]:
        """State for the checkpoint, so that a resumed run has a complete file and time."""
        return {"history": self.history, "elapsed": time.perf_counter() - self.started}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the state."""
        self.history = list(state_dict["history"])
        # Checkpoints of an earlier version contain only the times of the epochs.
        self.started -= state_dict.get("elapsed", sum(row["seconds"] for row in self.history))
