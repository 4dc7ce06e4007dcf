"""Real data sets and a browser, if available: only the marked tests that request them can find them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).resolve().parents[1]
MARKS = {"shared_data": "data", "chromium": "browser"}  # by fixture
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def pytest_configure(config: pytest.Config) -> None:
    """Rename `$ELMO_TASKS_DATA`, so that the package finds no data set that a newcomer does not have."""
    config.addinivalue_line("markers", "browser: needs Chromium; every test that asks for chromium has it")
    config.addinivalue_line("markers", "data: needs the real data sets; every test that asks for shared_data has it")
    if named := os.environ.pop("ELMO_TASKS_DATA", None):
        os.environ["ELMO_TASKS_TEST_DATA"] = named  # the workers of `pytest -n` read it too


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for fixture, mark in MARKS.items():
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(mark)


def missing(what: str, required: str, environment: Mapping[str, str]) -> NoReturn:
    """Skip the test, or fail it where the variable `required` is 1."""
    if environment.get(required) == "1":
        pytest.fail(what)
    pytest.skip(what)


def find_data(environment: Mapping[str, str]) -> Path:
    """The folder with the real data sets."""
    named = environment.get("ELMO_TASKS_TEST_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        message = f"no folder {folder} with the real data sets; set ELMO_TASKS_DATA to where they are"
        missing(message, "ELMO_TASKS_REQUIRE_DATA", environment)
    return folder


def find_browser(environment: Mapping[str, str]) -> str:
    """The path of the browser."""
    for name in BROWSERS:
        if found := shutil.which(name, path=environment.get("PATH", "")):
            return found
    message = f"none of the programs {', '.join(BROWSERS)} on the PATH; apt-get install chromium"
    missing(message, "ELMO_TASKS_REQUIRE_BROWSER", environment)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with the real data sets: `$ELMO_TASKS_DATA`, or `../shared/data` next to the checkout.

    Without it the test is skipped; with `ELMO_TASKS_REQUIRE_DATA=1` it fails.
    """
    return find_data(os.environ)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium or Chrome on this machine. Debian's package `chromium` has one.

    Without it the test is skipped; with `ELMO_TASKS_REQUIRE_BROWSER=1` it fails.
    """
    return find_browser(os.environ)
