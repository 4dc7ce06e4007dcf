"""Kernels are compiled when that pays: a first sentence does not wait for what only thousands would gain from."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import json
from pathlib import Path

import torch

from elmo_tasks.elmo.bilm import BiLM
from elmo_tasks.elmo.engine import kernels, runner
from elmo_tasks.elmo.engine.runner import Engine
from elmo_tasks.elmo.options import BilmOptions

runner.WORTH_COMPILING = 5
torch.manual_seed(0)
bilm = BiLM(BilmOptions(char_dim=4, filters=((1, 8),), n_highway=1, projection_dim=16, cell_dim=32, n_layers=2))
compiled, equal = [kernels.is_compiled(kernels.sentence)], []
engine = Engine(bilm, precision="exact")
first = engine.embed([["a", "few", "words"]])[0]
for _ in range(6):
    equal.append(torch.equal(engine.embed([["a", "few", "words"]])[0], first))
    compiled.append(kernels.is_compiled(kernels.sentence))
print(json.dumps([compiled, equal, Engine(bilm, precision="exact")._until_compiled, engine._alone_differs()]))
"""


@pytest.mark.slow
def test_a_sentence_alone_waits_for_no_compilation(tmp_path: Path) -> None:
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    for before in (False, True):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == 0, done.stderr
        compiled, equal, waits, differs = json.loads(done.stdout)
        assert compiled[0] == before and compiled[-1] and waits == 0
        if not differs:  # else another kernel would give other vectors, so that it is compiled at once
            assert compiled == [before] * 4 + [True] * 3 and all(equal)
