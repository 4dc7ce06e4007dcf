"""Write checkpoint files of training and pre-training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from elmo_tasks.core.files import atomic_file


def write_checkpoint(checkpoint: dict[str, Any], path: Path) -> None:
    """Write a checkpoint under a temporary name next to `path` and then rename it.

    If the process is killed or the disk is full, the previous checkpoint remains. Lightning (2.6) writes to the folder
    of temporary files first; if that is on another file system, its last step is a copy, and a kill may leave an empty
    file.

    Raises:
        OSError: the file cannot be written. PyTorch would raise a RuntimeError without the reason.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as partial, partial.open("wb") as file:
        try:
            torch.save(checkpoint, file)
        except RuntimeError as error:
            if isinstance(error.__context__, OSError):
                raise error.__context__ from None
            raise
