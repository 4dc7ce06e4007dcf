"""A run's checkpoints: written whole, and at home in the work folder wherever that has been moved to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lightning.fabric.plugins import TorchCheckpointIO
from lightning.pytorch.callbacks import ModelCheckpoint

from elmo_tasks.runs.checkpoint_file import write_checkpoint

_PATHS = ("best_model_path", "kth_best_model_path", "last_model_path")


class WholeCheckpoints(TorchCheckpointIO):
    """Lightning's way to store checkpoints, but for `write_checkpoint`."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write it. Raises OSError when the disk refuses."""
        write_checkpoint(checkpoint, Path(path))


class RunCheckpoint(ModelCheckpoint):
    """One file at the end of each epoch, or of those that are the best by `monitor`.

    Its state names files without their folder. Lightning stores absolute paths, and after the folder has been renamed
    it would forget the best score, or load what another run has left at the former place.
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
        """Lightning's, with names for paths."""
        return self._moved(super().state_dict(), "")

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Find the files in the folder as it is called now."""
        super().load_state_dict(self._moved(state_dict, str(self.dirpath)))

    def _moved(self, state: dict[str, Any], folder: str) -> dict[str, Any]:
        def moved(path: str) -> str:
            return str(Path(folder) / Path(path).name) if path else path

        paths = {name: moved(state[name]) for name in _PATHS}
        best = {moved(path): score for path, score in state["best_k_models"].items()}
        return state | paths | {"best_k_models": best, "dirpath": folder}
