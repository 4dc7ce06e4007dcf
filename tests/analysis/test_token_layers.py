from __future__ import annotations

from typing import Any

import pytest
import torch

from elmo_tasks.analysis.token_layers import Standard, evenly_spaced, token_layers
from elmo_tasks.core.errors import InputError
from elmo_tasks.embedders.frozen import bilm_embedder, frozen_embedder, random_bilm

SENTENCES = [["a", "b", "c"], ["d"], [], ["a", "b"]]


def test_rows_are_the_tokens_in_order(tiny_bilm: str) -> None:
    embedder = bilm_embedder(tiny_bilm)
    table = token_layers(embedder, SENTENCES)
    expected = torch.cat(embedder.embed(SENTENCES), 1).transpose(0, 1)
    assert table.dtype == torch.float16 and table.shape == (6, 3, 12)
    torch.testing.assert_close(table.float(), expected, atol=2e-3, rtol=2e-3)


def test_standard_is_mean_0_and_variance_1() -> None:
    table = (torch.randn(500, 2, 4) * 3 + 5).half()
    table[:, 1, 2] = 7  # never changes
    rows = Standard.of(table).apply(table)
    torch.testing.assert_close(rows.mean(0), torch.zeros(2, 4), atol=1e-4, rtol=0)
    expected = torch.ones(2, 4)
    expected[1, 2] = 0
    torch.testing.assert_close(rows.std(0, correction=0), expected, atol=1e-3, rtol=0)


def test_spread_takes_sentences_evenly() -> None:
    assert evenly_spaced([5] * 10, None) == evenly_spaced([5] * 10, 50) == list(range(10))
    assert evenly_spaced([5] * 10, 25) == [1, 3, 5, 7, 9]
    assert len(evenly_spaced([5] * 1000, 1000)) == 200


def test_the_random_biLM_has_the_shape_and_none_of_the_weights(tiny_bilm: str) -> None:
    trained, one, again, two = (
        bilm_embedder(tiny_bilm),
        *(random_bilm(tiny_bilm, seed) for seed in (1, 1, 2)),
    )
    assert (one.n_layers, one.width) == (trained.n_layers, trained.width)
    assert one.fingerprint == again.fingerprint
    assert len({embedder.fingerprint for embedder in (trained, one, two)}) == 3


def test_drawing_one_leaves_the_generator_alone(tiny_bilm: str) -> None:
    torch.manual_seed(4)
    expected: Any = torch.rand(3)
    torch.manual_seed(4)
    random_bilm(tiny_bilm, 1)
    assert torch.equal(torch.rand(3), expected)


def test_what_learns_with_the_task_is_no_frozen_embedder() -> None:
    with pytest.raises(InputError, match="'chars' has no frozen vectors; choose one such as elmo, glove or random"):
        frozen_embedder("chars")
