"""`FiniteCheck`: at once on the CPU, together on a GPU, for which the meta device cannot stand in."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from elmo_tasks.nn import finite
from elmo_tasks.nn.finite import FiniteCheck


class Elsewhere(Tensor):
    """A tensor on the CPU that says that it is on a GPU."""

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        """Another device."""
        return torch.device("cuda:0")


def elsewhere(value: float) -> Tensor:
    return torch.tensor(value).as_subclass(Elsewhere)


@pytest.fixture
def found() -> list[tuple[str, float]]:
    return []


@pytest.fixture
def check(found: list[tuple[str, float]]) -> FiniteCheck[str]:
    return FiniteCheck(lambda what, value: found.append((what, value)))


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_on_the_cpu_each_value_is_checked_at_once(
    check: FiniteCheck[str], found: list[tuple[str, float]], value: float
) -> None:
    check.add(torch.tensor(1.0, requires_grad=True), "first")
    assert not found
    check.add(torch.tensor(value), "second")
    ((what, was),) = found
    assert what == "second" and (was == value or (math.isnan(value) and math.isnan(was)))


def test_on_a_gpu_values_wait_until_there_are_enough_or_somebody_looks(
    check: FiniteCheck[str], found: list[tuple[str, float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finite, "EVERY", 3)
    check.add(elsewhere(math.nan), "a")
    check.add(elsewhere(1.0), "b")
    assert not found
    check.add(elsewhere(math.inf), "c")
    assert [what for what, _ in found] == ["a", "c"]
    check.add(elsewhere(-math.inf), "d")
    check.look()
    check.look()
    assert [what for what, _ in found] == ["a", "c", "d"]
