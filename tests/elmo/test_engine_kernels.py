"""The compiled kernels against the same mathematics in float64, and against the same loops in PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from elmo_tasks.elmo.engine import interpreted, kernels
from elmo_tasks.elmo.engine.layer import in_blocks
from elmo_tasks.elmo.engine.products import array

TYPES = [torch.float32, torch.bfloat16]


def lstm(gates: torch.Tensor, cell: torch.Tensor, clip: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Textbook: gates (N, 4H) in the order input, forget, output, candidate -> the cell and its gated tanh."""
    i, f, o, g = gates.double().chunk(4, dim=-1)
    cell = (f.sigmoid() * cell.double() + i.sigmoid() * g.tanh()).clamp(-clip, clip)
    return cell, o.sigmoid() * cell.tanh()


def doubled_candidate(gates: torch.Tensor) -> torch.Tensor:
    return torch.cat([gates[..., : 3 * gates.shape[-1] // 4], 2 * gates[..., 3 * gates.shape[-1] // 4 :]], dim=-1)


@pytest.mark.parametrize("dtype", TYPES, ids=str)
@pytest.mark.parametrize("clip", [0.4, float("inf")])
def test_a_step(dtype: torch.dtype, clip: float) -> None:
    torch.manual_seed(0)
    rows, size, inputs = 5, 19, 3  # no multiple of any vector's width
    product, scales = torch.randn(rows, 4 * size).to(dtype), torch.rand(rows) + 0.5
    table, table_scales = torch.randn(inputs, 4 * size).to(dtype), torch.rand(inputs) + 0.5
    bias, cell, which = torch.randn(4 * size), torch.randn(rows, size), torch.tensor([2, 0, 2, 1, 0])
    gates = product.double() * scales[:, None] + (table.double() * table_scales[:, None])[which] + bias
    expected = lstm(gates, cell, clip)
    halves = [doubled_candidate(each) for each in (product, table, bias)]
    twice, out = 2 * cell, torch.empty(rows, size, dtype=dtype)
    kernels.step(
        array(halves[0]), scales.numpy(), array(halves[1]), table_scales.numpy(), array(halves[2]), which.numpy(),
        twice.numpy(), array(out), np.float32(2 * clip),
    )  # fmt: skip
    torch.testing.assert_close(twice.double() / 2, expected[0], rtol=0, atol=1e-6)
    torch.testing.assert_close(2 * out.double(), expected[1], rtol=0, atol=1e-6 if dtype == torch.float32 else 2**-8)


@pytest.mark.parametrize("x", [0.0, -0.0, 1e-30, 50.0, -50.0, 1e4, -1e4, float("inf"), float("-inf"), 0.3, -7.7])
def test_any_number_has_a_sigmoid(x: float) -> None:
    """As the output gate, of a cell that is full."""
    gates = torch.tensor([[-100.0, 100.0, x, 0.0]])
    cell, out, one = torch.tensor([[200.0]]), torch.empty(1, 1), np.ones(1, np.float32)
    nothing = np.zeros((1, 4), np.float32)
    kernels.step(
        gates.numpy(),
        one,
        nothing,
        one,
        nothing[0],
        np.zeros(1, np.int64),
        cell.numpy(),
        out.numpy(),
        np.float32(np.inf),
    )
    assert 2 * out.item() == pytest.approx(
        torch.sigmoid(torch.tensor(x, dtype=torch.float64)).item(), rel=3e-7, abs=1e-12
    )


@pytest.mark.parametrize("dtype", TYPES, ids=str)
@pytest.mark.parametrize(("size", "width"), [(3, 2), (17, 11), (300, 24)])  # the last has more than a block of gates
@pytest.mark.parametrize("clips", [(0.3, 0.2), (float("inf"), float("inf"))])
def test_a_sentence(dtype: torch.dtype, size: int, width: int, clips: tuple[float, float]) -> None:
    torch.manual_seed(1)
    inputs, scales, bias = torch.randn(6, 4 * size).to(dtype), torch.rand(6) + 0.5, torch.randn(4 * size)
    recurrent, projection = torch.randn(width, 4 * size).to(dtype), (torch.randn(size, width) / size**0.5).to(dtype)
    hidden, cell = torch.randn(width).to(dtype).clamp(-clips[1], clips[1]), torch.randn(size)
    expected, state = [], (hidden.double(), cell.double())
    for x in inputs.double() * scales.double()[:, None] + bias:
        after, raw = lstm(x + state[0] @ recurrent.double(), state[1], clips[0])
        state = ((raw @ projection.double()).clamp(-clips[1], clips[1]), after)
        expected.append(state[0])
    outputs, twice = torch.empty(6, width), 2 * cell
    none = np.empty(0, np.float32)
    kernels.sentence(
        array(doubled_candidate(inputs)), scales.numpy(), array(doubled_candidate(bias)),
        in_blocks(array(doubled_candidate(recurrent))), none, in_blocks(array(2 * projection)), none,
        array(hidden).copy(), twice.numpy(), np.float32(2 * clips[0]), np.float32(clips[1]), 512, outputs.numpy(),
    )  # fmt: skip
    tolerance = 1e-5 if dtype == torch.float32 else 0.05
    torch.testing.assert_close(outputs.double(), torch.stack(expected), rtol=0, atol=tolerance)
    torch.testing.assert_close(twice.double() / 2, state[1], rtol=0, atol=tolerance)


def test_rounding_is_torch_s() -> None:
    torch.manual_seed(3)
    gates, ones, cell = torch.randn(50, 4 * 33).numpy(), np.ones(50, np.float32), torch.randn(50, 33)
    full, half = torch.empty(50, 33), torch.empty(50, 33, dtype=torch.bfloat16)
    for out in (full, half):
        kernels.step(
            gates, ones, np.zeros_like(gates), ones, np.zeros(4 * 33, np.float32), np.arange(50),
            cell.clone().numpy(), array(out), np.float32(6),
        )  # fmt: skip
    assert torch.equal(half, full.bfloat16())


@pytest.mark.parametrize("dtype", TYPES, ids=str)
def test_rows_of_8_bits(dtype: torch.dtype) -> None:
    torch.manual_seed(2)
    x = (torch.randn(4, 21) * torch.tensor([[1.0], [1e-3], [0.0], [1e3]])).to(dtype)
    out, scales = torch.empty(4, 21, dtype=torch.uint8), torch.empty(4)
    kernels.round_rows(array(x), out.numpy(), scales.numpy())
    signed = out.double() - 128
    assert signed.abs().amax(dim=1).tolist() == [127, 127, 0, 127]
    assert ((signed * scales.double()[:, None] - x.double()).abs() <= 0.5001 * scales[:, None]).all()


fused = pytest.mark.skipif(
    not interpreted.is_exact(), reason="PyTorch rounds twice here, so the kernels are used at once"
)


@fused
@given(
    seed=st.integers(0, 2**31),
    rows=st.integers(1, 40),
    size=st.integers(1, 70),
    spread=st.sampled_from([1e-3, 1.0, 8.0, 1e4]),
    clip=st.sampled_from([0.6, 6.0, float("inf")]),
    dtype=st.sampled_from(TYPES),
)
def test_a_step_in_pytorch_has_the_same_bits(
    seed: int, rows: int, size: int, spread: float, clip: float, dtype: torch.dtype
) -> None:
    torch.manual_seed(seed)
    product, table = (spread * torch.randn(rows + more, 4 * size) for more in (0, 3))
    scales, table_scales, bias = torch.rand(rows), torch.rand(rows + 3), torch.randn(4 * size)
    which, cell, states = torch.randint(rows + 3, (rows,)), torch.randn(rows, size), []
    for module in (kernels, interpreted):
        state, out = cell.clone(), torch.empty(rows, size, dtype=dtype)
        module.step(
            array(product.to(dtype)), scales.numpy(), array(table.to(dtype)), table_scales.numpy(), array(bias),
            which.numpy(), state.numpy(), array(out), np.float32(clip),
        )  # fmt: skip
        states.append((state, out))
    assert all(torch.equal(*pair) for pair in zip(*states, strict=True))


@fused
@given(seed=st.integers(0, 2**31), rows=st.integers(1, 40), size=st.integers(1, 70), dtype=st.sampled_from(TYPES))
def test_rounding_rows_in_pytorch_has_the_same_bits(seed: int, rows: int, size: int, dtype: torch.dtype) -> None:
    torch.manual_seed(seed)
    x = (torch.randn(rows, size) * torch.logspace(-40, 6, rows)[:, None]).to(dtype)
    found = []
    for module in (kernels, interpreted):
        out, scales = torch.empty(rows, size, dtype=torch.uint8), torch.empty(rows)
        module.round_rows(array(x), out.numpy(), scales.numpy())
        found.append((out, scales))
    assert all(torch.equal(*pair) for pair in zip(*found, strict=True))
