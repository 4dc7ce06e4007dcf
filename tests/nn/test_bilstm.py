"""The BiLSTM with gradients by hand against PyTorch's packed LSTM, which has the same parameters."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from torch.utils._python_dispatch import TorchDispatchMode

from elmo_tasks.elmo.engine import loops
from elmo_tasks.nn.bilstm import BiLstm
from elmo_tasks.nn.lstm_gradient import LstmLayer
from elmo_tasks.nn.packing import Packing, Walk


def torch_s(lstm: nn.LSTM, x: Tensor, lengths: Tensor) -> Tensor:
    packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    return pad_packed_sequence(lstm(packed)[0], batch_first=True, total_length=x.shape[1])[0]


@settings(max_examples=25, deadline=None)
@given(lengths=st.lists(st.integers(1, 7), min_size=1, max_size=6), layers=st.integers(1, 3), more=st.integers(0, 2))
def test_outputs_and_gradients_are_torch_s(lengths: list[int], layers: int, more: int) -> None:
    torch.manual_seed(len(lengths) + layers)
    ours = BiLstm(input_dim=3, hidden=4, layers=layers, dropout=0.0).double()
    x = torch.randn(len(lengths), max(lengths) + more, 3, dtype=torch.double, requires_grad=True)
    weights = torch.randn(len(lengths), max(lengths) + more, 8, dtype=torch.double)
    inputs = [x, *ours.parameters()]
    found, expected = ours(x, torch.tensor(lengths)), torch_s(ours.lstm, x, torch.tensor(lengths))
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    mine, theirs = (torch.autograd.grad((out * weights).sum(), inputs) for out in (found, expected))
    for one, other in zip(mine, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-11)


@pytest.mark.parametrize("threads", [1, 2])
@settings(max_examples=25, deadline=None)
@given(lengths=st.lists(st.integers(1, 7), min_size=1, max_size=6), layers=st.integers(1, 3), more=st.integers(0, 2))
def test_predictions_are_torch_s(threads: int, lengths: list[int], layers: int, more: int) -> None:
    """Without gradients, when only outputs are kept."""
    torch.manual_seed(len(lengths) + layers)
    ours = BiLstm(input_dim=3, hidden=4, layers=layers, dropout=0.5).double().eval()
    x = torch.randn(len(lengths), max(lengths) + more, 3, dtype=torch.double)
    before, given_x = torch.get_num_threads(), x.clone()
    try:
        torch.set_num_threads(threads)
        with torch.no_grad():
            found, expected = ours(x, torch.tensor(lengths)), torch_s(ours.lstm, x, torch.tensor(lengths))
    finally:
        torch.set_num_threads(before)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    assert torch.equal(x, given_x)


def test_predictions_of_large_batches_are_compiled_where_a_bilm_s_are(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    lstm = BiLstm(input_dim=5, hidden=20, layers=2, dropout=0.5).eval()
    lengths = torch.arange(1, 50)  # 1,225 tokens
    x, found = torch.randn(49, 49, 5), []
    with torch.no_grad():
        for left in (1, 0):
            monkeypatch.setattr(loops, "_tokens_left", left)
            found.append(lstm(x, lengths))
        expected, few = torch_s(lstm.lstm, x, lengths), lstm(x[:9], lengths[:9])
        monkeypatch.setattr(loops, "_tokens_left", 1)
        assert torch.equal(few, lstm(x[:9], lengths[:9]))  # a few sentences have the same results each time
    assert not torch.equal(*found)
    for one in found:
        torch.testing.assert_close(one, expected, rtol=0, atol=1e-6)


def test_a_prediction_keeps_no_gates() -> None:
    """Its memory is that of the gates' sums of one direction and of outputs, however many tokens there are."""
    lstm, lengths = BiLstm(input_dim=8, hidden=16, layers=1, dropout=0.0).eval(), torch.full((40,), 25)
    packing, x = Packing.of(lengths, 25, torch.device("cpu")), torch.randn(1000, 8)
    made: dict[int, torch.UntypedStorage] = {}  # by address; kept, so that no address occurs twice

    class Counted(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            out = func(*args, **(kwargs or {}))
            if isinstance(out, Tensor):
                made[out.untyped_storage().data_ptr()] = out.untyped_storage()
            return out

    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        with torch.no_grad(), Counted():
            lstm.packed(x, packing)
    finally:
        torch.set_num_threads(before)
    large = sorted(each.nbytes() for each in made.values() if each.nbytes() >= 4 * 1000 * 16)
    assert large == [4 * 1000 * 2 * 16, *[4 * 1000 * 4 * 16] * 2]


@pytest.mark.parametrize("sizes", [[1], [3], [3, 3, 1], [2, 2, 2]], ids=str)
def test_the_gradient_is_that_of_differences(sizes: list[int]) -> None:
    torch.manual_seed(0)
    shapes = [(sum(sizes), 3), *[(8, 3), (8, 2), (8,)] * 2]
    inputs = [torch.randn(shape, dtype=torch.double, requires_grad=True) for shape in shapes]
    ahead, behind = (Walk.through(sizes, backward=way, device=torch.device("cpu")) for way in (False, True))
    assert torch.autograd.gradcheck(
        lambda x, *weights: LstmLayer.apply(x, (ahead, behind), torch.double, True, *weights), inputs
    )


def test_dropout_is_between_layers_and_in_training_alone() -> None:
    torch.manual_seed(1)
    lstm, x, lengths = BiLstm(input_dim=3, hidden=4, layers=2, dropout=0.5), torch.randn(2, 5, 3), torch.tensor([5, 2])
    assert not torch.equal(lstm(x, lengths), lstm(x, lengths))
    lstm.eval()
    assert torch.equal(lstm(x, lengths), lstm(x, lengths))
    torch.testing.assert_close(lstm(x, lengths), torch_s(lstm.lstm, x, lengths))


@pytest.mark.parametrize("threads", [1, 2])
@settings(max_examples=15, deadline=None)
@given(lengths=st.lists(st.integers(1, 7), min_size=1, max_size=6), layers=st.integers(1, 3))
def test_both_ways_are_the_same_function(threads: int, lengths: list[int], layers: int) -> None:
    """In float32, forward and gradients: what a GPU computes may be trained on there and used on a CPU."""
    torch.manual_seed(sum(lengths))
    lstm = BiLstm(input_dim=3, hidden=4, layers=layers, dropout=0.0)
    packing = Packing.of(torch.tensor(lengths), max(lengths), torch.device("cpu"))
    x, weights = torch.randn(sum(lengths), 3, requires_grad=True), torch.randn(sum(lengths), 8)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(threads)
        one, other = (way(x, packing) for way in (lstm.by_steps, lstm.by_torch))
        mine, theirs = (torch.autograd.grad((out * weights).sum(), [x, *lstm.parameters()]) for out in (one, other))
    finally:
        torch.set_num_threads(before)
    torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)
    for first, second in zip(mine, theirs, strict=True):
        torch.testing.assert_close(first, second, rtol=1e-4, atol=1e-5)


def test_without_numba_the_steps_are_torch_s(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(2)
    lstm, x, lengths = (
        BiLstm(input_dim=3, hidden=4, layers=2, dropout=0.0),
        torch.randn(3, 5, 3),
        torch.tensor([5, 2, 4]),
    )
    found = []
    for compiled in (True, False):
        monkeypatch.setattr("elmo_tasks.nn.cells.has_kernels", lambda compiled=compiled: compiled)
        out = lstm(x, lengths)
        found.append([out, *torch.autograd.grad(out.square().sum(), lstm.parameters())])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)
    assert not torch.equal(found[0][0], found[1][0])  # they were different functions


def test_bfloat16_products_are_close_and_only_in_training() -> None:
    torch.manual_seed(0)
    exact, rounded = (BiLstm(input_dim=16, hidden=24, layers=2, dropout=0.0, bf16=bf16) for bf16 in (False, True))
    rounded.load_state_dict(exact.state_dict())
    x, lengths, gradients = torch.randn(5, 6, 16), torch.tensor([3, 6, 1, 6, 4]), []
    for model in (exact, rounded):
        out = model(x, lengths)
        assert out.dtype == torch.float32
        gradients.append(torch.cat([g.flatten() for g in torch.autograd.grad(out.square().sum(), model.parameters())]))
    assert 0 < (gradients[0] - gradients[1]).norm() < 0.03 * gradients[0].norm()
    assert torch.equal(exact.eval()(x, lengths), rounded.eval()(x, lengths))


def test_packing_by_hand() -> None:
    packing = Packing.of(torch.tensor([1, 3]), 4, torch.device("cpu"))
    x = torch.arange(8.0).view(2, 4, 1)
    assert packing.sizes == (2, 1, 1)
    assert packing.pack(x).flatten().tolist() == [4, 0, 5, 6]
    assert packing.unpack(packing.pack(x)).flatten().tolist() == [0, 0, 0, 0, 4, 5, 6, 0]


@pytest.mark.parametrize(("is_cuda", "way"), [(True, "by_torch"), (False, "by_steps")])
def test_a_gpu_runs_torch_s_lstm(is_cuda: bool, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class OnDevice(torch.Tensor):
        pass

    monkeypatch.setattr(OnDevice, "is_cuda", is_cuda, raising=False)
    called: list[str] = []
    for name in ("by_torch", "by_steps"):
        monkeypatch.setattr(BiLstm, name, lambda self, x, packing, name=name: called.append(name))
    packing = Packing.of(torch.tensor([3, 2]), 3, torch.device("cpu"))
    BiLstm(input_dim=3, hidden=4, layers=1, dropout=0.0).packed(torch.randn(5, 3).as_subclass(OnDevice), packing)
    assert called == [way]
