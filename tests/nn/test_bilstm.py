"""The BiLSTM with gradients by hand against PyTorch's packed LSTM, which has the same parameters."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from elmo_tasks.nn.bilstm import BiLstm
from elmo_tasks.nn.lstm_gradient import PackedLstm


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


@pytest.mark.parametrize("sizes", [[1], [3], [3, 3, 1], [2, 2, 2]], ids=str)
def test_the_gradient_is_that_of_differences(sizes: list[int]) -> None:
    torch.manual_seed(0)
    inputs = torch.randn(sum(sizes), 8, dtype=torch.double, requires_grad=True)
    weight = torch.randn(8, 2, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x, w: PackedLstm.apply(x, w, sizes), (inputs, weight))


def test_dropout_is_between_layers_and_in_training_alone() -> None:
    torch.manual_seed(1)
    lstm, x, lengths = BiLstm(input_dim=3, hidden=4, layers=2, dropout=0.5), torch.randn(2, 5, 3), torch.tensor([5, 2])
    assert not torch.equal(lstm(x, lengths), lstm(x, lengths))
    lstm.eval()
    assert torch.equal(lstm(x, lengths), lstm(x, lengths))
    torch.testing.assert_close(lstm(x, lengths), torch_s(lstm.lstm, x, lengths))


@settings(max_examples=15, deadline=None)
@given(lengths=st.lists(st.integers(1, 7), min_size=1, max_size=6), layers=st.integers(1, 3), more=st.integers(0, 2))
def test_both_ways_are_the_same_function(lengths: list[int], layers: int, more: int) -> None:
    """In float32, forward and gradients: what a GPU computes may be trained on there and used on a CPU."""
    torch.manual_seed(sum(lengths))
    lstm = BiLstm(input_dim=3, hidden=4, layers=layers, dropout=0.0)
    x = torch.randn(len(lengths), max(lengths) + more, 3, requires_grad=True)
    weights = torch.randn(len(lengths), max(lengths) + more, 8)
    one, other = (way(x, torch.tensor(lengths)) for way in (lstm.by_steps, lstm.by_torch))
    torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)
    mine, theirs = (torch.autograd.grad((out * weights).sum(), [x, *lstm.parameters()]) for out in (one, other))
    for first, second in zip(mine, theirs, strict=True):
        torch.testing.assert_close(first, second, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("is_cuda", "way"), [(True, "by_torch"), (False, "by_steps")])
def test_a_gpu_runs_torch_s_lstm(is_cuda: bool, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class OnDevice(torch.Tensor):
        pass

    monkeypatch.setattr(OnDevice, "is_cuda", is_cuda, raising=False)
    called: list[str] = []
    for name in ("by_torch", "by_steps"):
        monkeypatch.setattr(BiLstm, name, lambda self, x, lengths, name=name: called.append(name))
    x = torch.randn(2, 3, 3).as_subclass(OnDevice)
    BiLstm(input_dim=3, hidden=4, layers=1, dropout=0.0)(x, torch.tensor([3, 2]))
    assert called == [way]
