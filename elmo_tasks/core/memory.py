"""How the C library keeps memory, and how much: 20 ms or 1.4 ms for one element-wise step of a 1024-cell LSTM."""

from __future__ import annotations

import ctypes
import gc
import mmap
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3


def keep_freed_memory() -> None:
    """Tell glibc to keep freed blocks of up to 1 GiB instead of giving each back to the kernel.

    By default a tensor over 32 MB is a fresh mapping whose pages the kernel must clear at first touch, every time;
    programs that allocate the same sizes again and again (training loops) spend more time there than computing. Does
    nothing where the C library is another one.
    """
    library = _glibc()
    if library is not None:
        library.mallopt(_MMAP_THRESHOLD, 1 << 30)
        library.mallopt(_TRIM_THRESHOLD, (1 << 31) - 1)


def return_freed_memory() -> None:
    """Give all that is kept and unused back to the kernel: the heap's pieces do not add up from epoch to epoch."""
    library = _glibc()
    if library is not None:
        library.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    try:
        library = ctypes.CDLL("libc.so.6")
        return library if hasattr(library, "mallopt") and hasattr(library, "malloc_trim") else None
    except OSError:
        return None


def rss_mb() -> float:
    """Memory that this process holds now, in MB; its peak where the system does not tell, 0 if it tells neither."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError):
        return _windows_memory()[0] or peak_rss_mb()
    return pages * mmap.PAGESIZE / 1e6


def peak_rss_mb() -> float:
    """Most memory that this process has held so far, in MB; 0 where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return _windows_memory()[1]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024) / 1e6  # elsewhere it is in KiB


class _ProcessMemory(ctypes.Structure):
    """PROCESS_MEMORY_COUNTERS of Windows."""

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("page_faults", ctypes.c_uint32),
        *((name, ctypes.c_size_t) for name in ("peak", "now", "a", "b", "c", "d", "page_file", "peak_page_file")),
    )


def _windows_memory() -> tuple[float, float]:
    """The working set of this process and its peak in MB, both 0 on other systems."""
    libraries = getattr(ctypes, "windll", None)
    if libraries is None:
        return 0.0, 0.0
    kernel, found = libraries.kernel32, _ProcessMemory(size=ctypes.sizeof(_ProcessMemory))
    kernel.GetCurrentProcess.restype = ctypes.c_void_p
    kernel.K32GetProcessMemoryInfo.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint32]
    if not kernel.K32GetProcessMemoryInfo(kernel.GetCurrentProcess(), ctypes.byref(found), found.size):
        return 0.0, 0.0
    return found.now / 1e6, found.peak / 1e6


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    """For importing libraries and loading models: nearly all objects that are made there live as long as the program.

    Looking for garbage among them takes a seventh of the time of importing PyTorch. Later collections skip them too.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
