"""What all tests share: real data where it is at hand, and one thread, so that parallel workers do not fight."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def pytest_configure() -> None:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("MPLBACKEND", "agg")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with the real data sets: `$ELMO_TASKS_DATA`, or `../shared/data` beside the checkout.

    Without it a test is skipped, or fails where `ELMO_TASKS_REQUIRE_DATA=1` says that the data must be there.
    """
    named = os.environ.get("ELMO_TASKS_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        message = f"expected the real data sets in {folder}, which is no folder; set ELMO_TASKS_DATA to where they are"
        if os.environ.get("ELMO_TASKS_REQUIRE_DATA") == "1":
            pytest.fail(message)
        pytest.skip(message)
    return folder
