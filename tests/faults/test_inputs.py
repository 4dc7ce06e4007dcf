"""Bad inputs to every command: one clear line and exit code 2, or success; nothing is lost or half-written."""

from __future__ import annotations

from pathlib import Path

import pytest
from faulty import campaign, faults_of, try_input
from targets import TARGETS, Target
from workshop import Workshop

EACH = 10  # inputs per target: about 1,000 in all


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_bad_input_is_one_line(target: Target, workshop: Workshop, tmp_path: Path) -> None:
    found = campaign(workshop, tmp_path / "here", EACH, targets={target.name: target})
    assert not found, "\n".join(f"{name}: {'; '.join(broken)}" for name, broken in found.items())


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_the_undamaged_input_is_taken(target: Target, workshop: Workshop, tmp_path: Path) -> None:
    done = try_input(target, workshop, tmp_path / "here", None)
    assert done.code == 0 and not faults_of(done), done
