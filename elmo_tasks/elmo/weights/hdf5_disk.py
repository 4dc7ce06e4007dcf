"""Where HDF5 files are written to: a full disk is an OSError, not the end of the process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import h5py


@contextmanager
def hdf5_to_write(path: Path) -> Iterator[h5py.File]:
    """A new HDF5 file, which is closed and whole after the block.

    Raises:
        OSError: the disk refuses.
    """
    import h5py

    disk = Hdf5Disk(path)
    try:
        with h5py.File(disk, "w") as file:
            yield file
    finally:
        disk.file.close()
    if disk.fault is not None:
        raise disk.fault


class Hdf5Disk:
    """A file for HDF5, which crashes the process at its end where the system refuses a write: so none fails.

    The first fault is kept, and what comes after it goes nowhere.
    """

    def __init__(self, path: Path) -> None:
        self.file = path.open("w+b", buffering=0)
        self.seek, self.tell = self.file.seek, self.file.tell
        self.read, self.readinto = self.file.read, self.file.readinto
        self.fault: OSError | None = None

    def write(self, data: memoryview) -> int:
        """All of it, or nothing after a fault."""
        left = data
        try:
            while self.fault is None and len(left):
                left = left[self.file.write(left) :]
        except OSError as error:
            self.fault = error
        return len(data)

    def truncate(self, size: int) -> int:
        """As a file's."""
        try:
            return size if self.fault is not None else self.file.truncate(size)
        except OSError as error:
            self.fault = error
            return size

    def flush(self) -> None:
        """Nothing is held back."""
