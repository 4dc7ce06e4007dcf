"""Check a checkpoint before resuming a run from it."""

from __future__ import annotations

import zipfile
from pathlib import Path

import torch

from elmo_tasks.core.errors import InputError


def check_checkpoint(path: Path) -> None:
    """Check that a checkpoint is intact: PyTorch writes a zip archive, which has a checksum for each of its parts.

    Raises:
        InputError: the file is missing, truncated or damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
        torch.load(
            path, map_location="meta", mmap=True, weights_only=True
        )  # checks the structure, which has no checksum
    except Exception as error:  # both raise various exceptions
        raise _refusal(path, " ".join(str(error).split())[:100]) from None
    if damaged is not None:
        raise _refusal(path, f"in {damaged}")


def _refusal(path: Path, reason: str) -> InputError:
    return InputError(f"{path}: the checkpoint is damaged ({reason}); start again with --overwrite")
