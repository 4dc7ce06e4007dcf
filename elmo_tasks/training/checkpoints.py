"""Checkpoints of a run: written atomically, and still found after the work folder has been moved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lightning.fabric.plugins import TorchCheckpointIO
from lightning.pytorch.callbacks import ModelCheckpoint

from elmo_tasks.runs.checkpoint_file import write_checkpoint

_PATHS = ("best_model_path", "kth_best_model_path", "last_model_path")


class WholeCheckpoints(TorchCheckpointIO):
    """Lightning's checkpoint storage, with `write_checkpoint` for writing."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write a checkpoint. Raises OSError if it cannot be written."""
        write_checkpoint(checkpoint, Path(path))


class RunCheckpoint(ModelCheckpoint):
    """Writes one file at the end of each epoch, or of each epoch that is the best by `monitor`.

    Its state contains file names without their folder. Lightning stores absolute paths; after the folder was renamed,
    it would forget the best score, or load a file that another run has left at the old place.
    """

    def __init__(self, folder: Path, name: str, monitor: str | None = None) -> None:
        super().__init__(
            folder,
            filename=name,
            monitor=monitor,
            mode="max",
            save_on_train_epoch_end=True,
            enable_version_counter=False,
        )

    def state_dict(self) -> dict[str, Any]:
        """Lightning's state, with file names instead of paths."""
        return self._moved(super().state_dict(), "")

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the state, with the files in the current folder."""
        super().load_state_dict(self._moved(state_dict, str(self.dirpath)))

    def _moved(self, state: dict[str, Any], folder: str) -> dict[str, Any]:
        def moved(path: str) -> str:
            return str(Path(folder) / Path(path).name) if path else path

        paths = {name: moved(state[name]) for name in _PATHS}
        best = {moved(path): score for path, score in state["best_k_models"].items()}
        return state | paths | {"best_k_models": best, "dirpath": folder}
