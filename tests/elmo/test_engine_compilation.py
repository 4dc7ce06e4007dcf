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
import sys

import torch

from elmo_tasks.elmo.bilm import BiLM
from elmo_tasks.elmo.engine import interpreted, loops, runner
from elmo_tasks.elmo.engine.runner import Engine
from elmo_tasks.elmo.options import BilmOptions

runner.WORTH_COMPILING, loops._tokens_left = 5, 11
torch.manual_seed(0)
bilm = BiLM(BilmOptions(char_dim=4, filters=((1, 8),), n_highway=1, projection_dim=16, cell_dim=32, n_layers=2))
steps = []
engine = Engine(bilm, precision=sys.argv[1])
for _ in range(7):
    vectors = engine.embed([["a", "few", "words"]])[0]
    first = vectors if not steps else first
    alone = loops.are_compiled() and loops.kernels().is_compiled(loops.kernels().sentence)
    steps.append(["numba" in sys.modules, alone, torch.equal(vectors, first)])
print(json.dumps([steps, engine._alone_differs() or not interpreted.is_exact()]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["exact", "fast"])
def test_a_first_sentence_waits_for_no_compilation(precision: str, tmp_path: Path) -> None:
    """The fourth sentence makes Numba worth importing; the fifth, the kernel for sentences alone worth compiling."""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    for before in (False, True):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, precision],
            env=environment, capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        steps, at_once = json.loads(done.stdout)
        imported, alone, equal = zip(*steps, strict=True)
        assert imported[-1] and alone[-1] and all(equal)
        if not at_once:  # else another kernel would give other vectors, so that it is compiled at once
            assert imported == (False,) * 3 + (True,) * 4
            assert alone == ((False,) * 3 + (True,) * 4 if before else (False,) * 4 + (True,) * 3)
