"""The file of a checkpoint of training or pre-training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from elmo_tasks.core.files import atomic_file


def write_checkpoint(checkpoint: dict[str, Any], path: Path) -> None:
    """Write it next to its name and then rename it: a kill or a full disk leaves the one before.

    Lightning (2.6) writes to the folder of temporary files first. Where that is another file system, its last step
    is a copy, and a kill leaves a file of 0 bytes.

    Raises:
        OSError: the disk refuses. PyTorch turns that into a RuntimeError, and says nothing of it if it opens the file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as partial, partial.open("wb") as file:
        try:
            torch.save(checkpoint, file)
        except RuntimeError as error:
            if isinstance(error.__context__, OSError):
                raise error.__context__ from None
            raise
