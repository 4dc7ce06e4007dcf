"""Run commands in the process of a test."""

from __future__ import annotations

import pytest

from elmo_tasks.cli import main


def fails(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run a command that must fail by one line and exit code 2; returns the line."""
    assert main(arguments) == 2
    error = capsys.readouterr().err
    lines = [line for line in error.splitlines() if line.startswith("elmo-tasks: error: ")]
    assert len(lines) == 1 and "Traceback" not in error, error
    return lines[0]
