"""The benchmark that is committed can be continued in a fresh clone."""

from __future__ import annotations

import subprocess
from pathlib import Path

from elmo_tasks.core.folders import kind_of

RESULTS = Path(__file__).parents[2] / "results"


def test_the_marker_is_committed_with_the_cells() -> None:
    assert kind_of(RESULTS / "benchmark") == "benchmark"
    ignored = subprocess.run(["git", "check-ignore", "-q", "benchmark/.elmo-tasks"], cwd=RESULTS, check=False)
    assert ignored.returncode == 1
