"""How epochs are compared, and how long training waits for a better one."""

from __future__ import annotations

import math

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from elmo_tasks.runs.experiment import TrainingConfig
from elmo_tasks.training.lightning_module import rank_epoch

scores = st.integers(0, 1_000).map(lambda value: value / 1_000)
losses = st.floats(0, 50).map(lambda value: round(value, 2))


@given(scores, st.lists(st.tuples(scores, losses), min_size=2, max_size=2))
def test_a_better_score_wins_and_a_tie_with_the_first_epoch_goes_to_the_loss(
    first: float, epochs: list[tuple[float, float]]
) -> None:
    one, two = ((score, -loss if score == first else 0.0) for score, loss in epochs)
    ranked = [np.float32(rank_epoch(score, first, loss)) for score, loss in epochs]  # Lightning keeps float32
    assert (ranked[0] > ranked[1]) == (one > two)
    assert (ranked[0] == ranked[1]) == (one == two)


@pytest.mark.parametrize("loss", [math.inf, math.nan])
def test_a_loss_that_is_not_finite_is_worse_than_any_other(loss: float) -> None:
    assert rank_epoch(0.5, 0.5, loss) < rank_epoch(0.5, 0.5, 1e6)
    assert rank_epoch(0.5, 0.5, loss) > rank_epoch(0.499, 0.5, 0.0)


@pytest.mark.parametrize(
    ("sentences", "stop", "rate"),
    [
        (14_041, 6, 2),  # 220 updates per epoch: 1,320 without a better score
        (5_400, 6, 2),  # 85 per epoch: 510
        (600, 13, 5),  # batches of 15, 40 updates per epoch: 520
        (140, 11, 4),  # batches of 3, 47 updates per epoch: 517
        (7, 72, 24),  # one sentence per batch: 504
    ],
)
def test_small_data_waits_for_500_updates(sentences: int, stop: int, rate: int) -> None:
    assert TrainingConfig().patience_for(sentences) == (stop, rate)
    assert TrainingConfig(patience_updates=0).patience_for(sentences) == (6, 2)
