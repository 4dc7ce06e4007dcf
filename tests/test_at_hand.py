"""Without data sets and browser, the tests that need them are skipped, and no other test finds them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from at_hand import find_browser, find_data
from elmo_tasks.core.paths import data_root


def test_the_package_finds_no_data_that_a_test_did_not_ask_for() -> None:
    assert "ELMO_TASKS_DATA" not in os.environ and data_root() is None


def test_the_number_of_threads_was_set_before_torch_read_it() -> None:
    assert torch.get_num_threads() == int(os.environ["OMP_NUM_THREADS"])


def test_what_asks_for_data_or_a_browser_is_marked(request: pytest.FixtureRequest) -> None:
    for item in request.session.items:
        names = getattr(item, "fixturenames", ())
        assert ("shared_data" in names) == (item.get_closest_marker("data") is not None)
        assert ("chromium" in names) == (item.get_closest_marker("browser") is not None)


def test_without_them_a_test_is_skipped(tmp_path: Path) -> None:
    nothing = {"ELMO_TASKS_TEST_DATA": str(tmp_path / "none"), "PATH": str(tmp_path)}
    with pytest.raises(pytest.skip.Exception, match="with the real data sets; set ELMO_TASKS_DATA"):
        find_data(nothing)
    with pytest.raises(pytest.skip.Exception, match="apt-get install chromium"):
        find_browser(nothing)


def test_without_them_a_test_fails_where_they_are_required(tmp_path: Path) -> None:
    nothing = {"ELMO_TASKS_TEST_DATA": str(tmp_path / "none"), "PATH": str(tmp_path)}
    with pytest.raises(pytest.fail.Exception, match="with the real data sets"):
        find_data(nothing | {"ELMO_TASKS_REQUIRE_DATA": "1"})
    with pytest.raises(pytest.fail.Exception, match="chromium"):
        find_browser(nothing | {"ELMO_TASKS_REQUIRE_BROWSER": "1"})


def test_with_them_they_are_found(tmp_path: Path) -> None:
    program = tmp_path / "chromium"
    program.touch()
    program.chmod(0o755)
    assert find_data({"ELMO_TASKS_TEST_DATA": str(tmp_path)}) == tmp_path
    assert find_browser({"PATH": str(tmp_path)}) == str(program)
