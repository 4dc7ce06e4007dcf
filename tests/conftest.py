"""What all tests share; one thread each, so that the workers of `pytest -n` do not fight."""

from __future__ import annotations

import os

import pytest

pytest_plugins = ["at_hand", "corpora"]


def pytest_configure() -> None:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("MPLBACKEND", "agg")


@pytest.fixture
def exact_arithmetic(monkeypatch: pytest.MonkeyPatch) -> None:
    """Engines compute in float32, whatever this machine is quicker at: for tests to which rounding would be noise."""
    from elmo_tasks.elmo.engine import precision

    monkeypatch.setattr(precision, "has_bf16", lambda device: False)
    monkeypatch.setattr(precision, "int8_is_faster", lambda device: False)
