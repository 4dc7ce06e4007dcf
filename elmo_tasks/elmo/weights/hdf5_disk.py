"""Write HDF5 files so that a full disk raises OSError instead of crashing the process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import h5py


@contextmanager
def hdf5_to_write(path: Path) -> Iterator[h5py.File]:
    """Open a new HDF5 file, which is closed and complete after the block.

    Raises:
        OSError: the file cannot be written.
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
    """A file object for HDF5 whose writes never fail, because a failed write would crash the process when it ends.

    The first error is stored; all later writes are discarded.
    """

    def __init__(self, path: Path) -> None:
        self.file = path.open("w+b", buffering=0)
        self.seek, self.tell = self.file.seek, self.file.tell
        self.read, self.readinto = self.file.read, self.file.readinto
        self.fault: OSError | None = None

    def write(self, data: memoryview) -> int:
        """Write all data, or nothing after an error."""
        left = data
        try:
            while self.fault is None and len(left):
                left = left[self.file.write(left) :]
        except OSError as error:
            self.fault = error
        return len(data)

    def truncate(self, size: int) -> int:
        """Like the method of a file."""
        try:
            return size if self.fault is not None else self.file.truncate(size)
        except OSError as error:
            self.fault = error
            return size

    def flush(self) -> None:
        """Do nothing, because nothing is buffered."""
