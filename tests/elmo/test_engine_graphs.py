"""Steps recorded as graphs: on a CPU the record is the work itself, so that all but the recording is checked."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable

import pytest
import torch

from elmo_tasks.elmo.bilm import BiLM
from elmo_tasks.elmo.engine import Engine, layer, runner
from elmo_tasks.elmo.engine.graphs import Recorder, Work, recorder
from elmo_tasks.elmo.options import BilmOptions

OPTIONS = BilmOptions(char_dim=3, filters=((1, 8), (2, 8)), n_highway=1, cell_dim=16, projection_dim=8)


def engine_with(monkeypatch: pytest.MonkeyPatch, bilm: BiLM, record: Recorder | None, precision: str) -> Engine:
    """An engine as on a GPU, which has no compiled loops."""
    monkeypatch.setattr(layer, "has_kernels", lambda: False)
    monkeypatch.setattr(runner, "has_kernels", lambda: False)
    monkeypatch.setattr(runner, "recorder", lambda device: record)
    return Engine(bilm, precision=precision, token_budget=1500)


@pytest.mark.parametrize("precision", ["exact", "fast"])
def test_an_engine_with_graphs_has_the_same_vectors(
    monkeypatch: pytest.MonkeyPatch, random_bilm: Callable[..., BiLM], precision: str
) -> None:
    """With as many streams as a graph has, which end at different steps, and with fewer."""
    bilm, draw, calls = random_bilm(OPTIONS), random.Random(1), list[int]()
    text = [[f"w{draw.randint(0, 60)}" for _ in range(draw.randint(0, 9))] for _ in range(700)]

    def record(work: Work) -> Work:
        return lambda: (calls.append(1), work())[1]

    monkeypatch.setattr(runner, "STREAM_CELLS", 0)  # 128 streams
    expected = engine_with(monkeypatch, bilm, None, precision).embed(text)
    ours = engine_with(monkeypatch, bilm, record, precision)
    recorded = len(calls)
    assert recorded == sum(len(side) for side in ours._sides)  # one step each to check it
    for _ in range(2):  # nothing of the first text is left
        for found, right in zip(ours.embed(text), expected, strict=True):
            assert torch.equal(found, right)
    assert len(calls) > recorded + 20
    steps = len(calls)
    assert torch.allclose(ours.embed(text[5:8])[1], expected[6], rtol=1e-2, atol=1e-5) and len(calls) == steps
    assert copy.deepcopy(ours)._sides[0][0].graph is None


def test_a_graph_that_does_not_repeat_the_step_is_not_used(
    monkeypatch: pytest.MonkeyPatch, random_bilm: Callable[..., BiLM]
) -> None:
    with pytest.warns(RuntimeWarning, match="without a CUDA graph: it does not repeat the step"):
        engine = engine_with(monkeypatch, random_bilm(OPTIONS), lambda work: lambda: None, "exact")
    assert engine._sides[0][0].graph is None


def test_a_graph_that_cannot_be_recorded_is_not_used(
    monkeypatch: pytest.MonkeyPatch, random_bilm: Callable[..., BiLM]
) -> None:
    def fails(work: Work) -> Work:
        raise RuntimeError("operation not permitted when stream is capturing\nCUDA kernel errors might be ...")

    with pytest.warns(RuntimeWarning, match="without a CUDA graph: operation not permitted when stream is capturing$"):
        engine = engine_with(monkeypatch, random_bilm(OPTIONS), fails, "exact")
    assert engine.embed([["a", "b"]])[0].shape == (engine.n_layers, 2, engine.width)


def test_only_a_gpu_has_a_recorder() -> None:
    assert recorder(torch.device("cpu")) is None and recorder(torch.device("meta")) is None
    assert recorder(torch.device("cuda:1")) is not None
