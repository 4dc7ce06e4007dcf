"""What all tests share: real data and a browser where they are at hand; one thread, so that workers do not fight."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
pytest_plugins = ["corpora"]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "browser: needs Chromium; every test that asks for chromium has it")
    config.addinivalue_line("markers", "data: needs the real data sets; every test that asks for shared_data has it")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("MPLBACKEND", "agg")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "shared_data" in getattr(item, "fixturenames", ()):
            item.add_marker("data")
        if "chromium" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")


@pytest.fixture
def exact_arithmetic(monkeypatch: pytest.MonkeyPatch) -> None:
    """Engines compute in float32, whatever this machine is quicker at: for tests to which rounding would be noise."""
    from elmo_tasks.elmo.engine import precision

    monkeypatch.setattr(precision, "has_bf16", lambda device: False)
    monkeypatch.setattr(precision, "int8_is_faster", lambda device: False)


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


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium or Chrome on this machine. Debian's package `chromium` has one.

    Without it a test is skipped, or fails where `ELMO_TASKS_REQUIRE_BROWSER=1` says that it must be there.
    """
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    message = "expected a program chromium, chromium-browser or google-chrome, found none; apt-get install chromium"
    if os.environ.get("ELMO_TASKS_REQUIRE_BROWSER") == "1":
        pytest.fail(message)
    pytest.skip(message)
