"""Memory figures, here and on systems that have no `resource` module."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest

from elmo_tasks.core.memory import without_garbage_collection

HIDE = "import sys; sys.modules.update(dict.fromkeys(('resource', 'fcntl', 'pwd', 'grp', 'termios')))"


def test_memory_is_in_megabytes() -> None:
    """In a fresh process, which has no freed memory to spare and no earlier peak."""
    program = (
        "from elmo_tasks.core.memory import peak_rss_mb, rss_mb\n"
        "before = rss_mb(); block = bytearray(b'x') * 50_000_000; print(rss_mb() - before, peak_rss_mb() - before)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    more, peak = map(float, done.stdout.split())
    assert 40 < more < 80 and 40 < peak < 120


@pytest.mark.skipif(sys.platform != "linux", reason="other systems' peaks may include those of the parent")
def test_a_peak_is_not_inherited_from_the_process_that_started_this_one() -> None:
    program = "from elmo_tasks.core.memory import peak_rss_mb; print(peak_rss_mb())"
    block = bytearray(b"x") * 400_000_000
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert len(block) == 400_000_000 and float(done.stdout) < 200


@pytest.mark.slow
def test_without_the_modules_of_posix() -> None:
    """As on Windows: every file of the package can be imported, and a peak that is not known is 0."""
    program = f"""{HIDE}
import importlib, pkgutil
import elmo_tasks
for module in pkgutil.walk_packages(elmo_tasks.__path__, "elmo_tasks."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
from elmo_tasks.core.memory import peak_rss_mb, rss_mb
print(peak_rss_mb(), rss_mb() > 1)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["0.0", "True"]


def test_garbage_is_collected_again_after_the_block() -> None:
    with without_garbage_collection():
        assert not gc.isenabled()
    assert gc.isenabled()
    gc.unfreeze()
    with pytest.raises(ValueError, match="stop"), without_garbage_collection():
        raise ValueError("stop")
    assert gc.isenabled()
    gc.unfreeze()
    gc.disable()
    try:
        with without_garbage_collection():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
