"""Shared by all tests; one thread each, so that the workers of `pytest -n` do not compete."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from warm_python import started

# Before the plugins import torch, which reads them once.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("MPLBACKEND", "agg")
pytest_plugins = ["at_hand", "corpora", "encoders"]
# An example of hypothesis may be the first that imports a library, or meet a busy machine.
settings.register_profile("ours", deadline=None)
settings.load_profile("ours")


@pytest.fixture(scope="session")
def warm_python(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """The words that stand for `sys.executable` in a command, of a Python that has torch and Lightning loaded."""
    yield from started(tmp_path_factory.mktemp("python") / "socket", os.environ)


@pytest.fixture
def exact_arithmetic(monkeypatch: pytest.MonkeyPatch) -> None:
    """Engines compute in float32, whatever this machine is quicker at: for tests to which rounding would be noise."""
    from elmo_tasks.elmo.engine import precision

    monkeypatch.setattr(precision, "has_bf16", lambda device: False)
    monkeypatch.setattr(precision, "int8_is_faster", lambda device: False)
