"""Importing the package and asking for help load none of the slow libraries.

Asserted on what is loaded rather than on the clock: torch and Lightning alone take seconds.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

SLOW = (
    "torch",
    "lightning",
    "datasets",
    "sklearn",
    "seqeval",
    "matplotlib",
    "pandas",
    "pyarrow",
    "huggingface_hub",
    "spacy",
    "gradio",
)

PROGRAMS = {
    "import": "import elmo_tasks",
    "import elmo": "import elmo_tasks.elmo",
    "import estimators": "import elmo_tasks.integrations.sklearn, elmo_tasks.integrations.spacy",
    "help": "from elmo_tasks.cli import main; main(['--help'])",
    "help of a verb": "from elmo_tasks.cli import main; main(['train', '--help'])",
    "list": "from elmo_tasks.cli import main; main(['list'])",
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_stays_light(program: str) -> None:
    ending = f"import sys; print('loaded:', *[name for name in {SLOW!r} if name in sys.modules])"
    code = f"try:\n    {program}\nexcept SystemExit as stop:\n    assert not stop.code, stop.code\n{ending}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].strip() == "loaded:"
