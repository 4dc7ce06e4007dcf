"""`benchmarks/gpu.py` with the CPU in place of the GPU, and what it says where there is none."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "gpu.py"
SIZES = {"sentences": 3, "batch": 2, "hidden": 4, "streams": 2, "steps": 3, "samples": 8, "vocabulary": 50}


@pytest.fixture(scope="module")
def gpu() -> dict[str, Any]:
    return runpy.run_path(str(PROGRAM))


def test_a_device_like_the_cpu_passes_all_checks(gpu: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    found = gpu["checked"](torch.device("cpu"), SIZES)
    assert list(found) == list(gpu["CHECKS"]) and all(check["passed"] for check in found.values())
    assert capsys.readouterr().out.count("passed") == len(found)


def test_a_wrong_result_is_found(gpu: dict[str, Any]) -> None:
    right = torch.tensor([1.0, -2.0])
    assert gpu["difference"]([right * 1.01], [right]) == pytest.approx(0.01)


@pytest.mark.parametrize("name", ["embed", "embed without graphs", "train", "predict", "pretrain"])
def test_each_kind_of_work_counts_its_tokens(gpu: dict[str, Any], name: str) -> None:
    once = gpu["ROUNDS"][name](torch.device("cpu"), gpu["load_bilm"](), SIZES)
    first = once()
    assert first > 0 and once() == first


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_without_a_cuda_device_the_program_says_so() -> None:
    done = subprocess.run([sys.executable, str(PROGRAM), "--smoke"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr, done.stdout) == (2, "no CUDA device\n", "")
