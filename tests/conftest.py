"""What all tests share: real data where it is at hand, and one thread, so that parallel workers do not fight."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "data: needs the real data sets; every test that asks for shared_data has it")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("MPLBACKEND", "agg")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "shared_data" in getattr(item, "fixturenames", ()):
            item.add_marker("data")


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
