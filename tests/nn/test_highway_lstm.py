"""The highway LSTM against a cell written from He et al. 2017 under autograd, one sequence at a time."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from elmo_tasks.nn.highway_lstm import HighwayLstm
from elmo_tasks.nn.packing import Walk

LENGTHS = [3, 6, 1, 6, 4]


def by_the_paper(model: HighwayLstm, x: Tensor, masks: list[Tensor]) -> Tensor:
    """One sequence x (T, D), one token after the other; masks: what each layer's outputs are multiplied by, (H,)."""
    size = model.width
    for number, (weight_ih, weight_hh, bias) in enumerate(
        zip(model.weight_ih, model.weight_hh, model.bias, strict=True)
    ):
        hidden = cell = x.new_zeros(size)
        outputs: list[Tensor] = []
        for token in x if number % 2 == 0 else x.flip(0):
            from_input = weight_ih @ token + bias
            carry = from_input[:size]
            r, o, i, f, g = (from_input[size:] + weight_hh @ hidden).split(size)
            cell = torch.sigmoid(i) * torch.tanh(g) + torch.sigmoid(f) * cell
            r = torch.sigmoid(r)
            hidden = (r * torch.sigmoid(o) * torch.tanh(cell) + (1 - r) * carry) * masks[number]
            outputs.append(hidden)
        x = torch.stack(outputs if number % 2 == 0 else outputs[::-1])
    return x


def build(layers: int, dropout: float = 0.0) -> tuple[HighwayLstm, Tensor]:
    torch.manual_seed(layers)
    model = HighwayLstm(input_dim=3, hidden=4, layers=layers, dropout=dropout).double()
    x = torch.randn(len(LENGTHS), max(LENGTHS), 3, dtype=torch.double, requires_grad=True)
    return model, x


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_outputs_and_gradients(layers: int, dropout: float, monkeypatch: pytest.MonkeyPatch) -> None:
    model, x = build(layers, dropout)
    drawn: list[Tensor] = []
    draw = torch.nn.functional.dropout

    def remember(ones: Tensor, rate: float) -> Tensor:
        drawn.append(draw(ones, rate))
        return drawn[-1]

    monkeypatch.setattr(torch.nn.functional, "dropout", remember)
    ours = model(x, torch.tensor(LENGTHS))
    assert len(drawn) == (layers if dropout else 0)
    # The sequences are sorted by falling length when they are packed, and the masks with them.
    place = {row: n for n, row in enumerate(torch.tensor(LENGTHS).sort(descending=True)[1].tolist())}
    ones = [x.new_ones(len(LENGTHS), 4)] * layers
    theirs = [
        by_the_paper(model, x[row, :length], [mask[place[row]] for mask in (drawn or ones)])
        for row, length in enumerate(LENGTHS)
    ]
    weight = torch.randn_like(ours)
    for row, length in enumerate(LENGTHS):
        torch.testing.assert_close(ours[row, :length], theirs[row])
        assert ours[row, length:].abs().sum() == 0
    inputs = [x, *model.parameters()]
    got = torch.autograd.grad((ours * weight).sum(), inputs)
    loss = sum((found * weight[row, : len(found)]).sum() for row, found in enumerate(theirs))
    expected = torch.autograd.grad(loss, inputs)
    for one, other in zip(got, expected, strict=True):
        torch.testing.assert_close(one, other)


def test_numerical_gradients() -> None:
    model, x = build(2)
    assert torch.autograd.gradcheck(lambda given: model(given, torch.tensor(LENGTHS)), [x])


def test_no_dropout_in_use() -> None:
    model, x = build(2, 0.5)
    lengths = torch.tensor(LENGTHS)
    model.eval()
    torch.testing.assert_close(model(x, lengths), model(x, lengths))
    model.train()
    assert not torch.equal(model(x, lengths), model(x, lengths))


def test_bfloat16_products_are_close() -> None:
    torch.manual_seed(0)
    exact = HighwayLstm(input_dim=16, hidden=24, layers=4, dropout=0.0)
    rounded = HighwayLstm(input_dim=16, hidden=24, layers=4, dropout=0.0, bf16=True)
    rounded.load_state_dict(exact.state_dict())
    x, lengths = torch.randn(5, 6, 16), torch.tensor(LENGTHS)
    gradients = []
    for model in (exact, rounded):
        out = model(x, lengths)
        assert out.dtype == torch.float32
        gradients.append(torch.cat([g.flatten() for g in torch.autograd.grad(out.square().sum(), model.parameters())]))
    assert (gradients[0] - gradients[1]).norm() < 0.03 * gradients[0].norm()


def test_a_walk_by_hand() -> None:
    forth = Walk.through([3, 3, 1], backward=False, device=torch.device("cpu"))
    assert forth.steps == ((0, 3, 0, 0), (3, 3, 0, 3), (6, 1, 3, 1))
    assert forth.past.tolist() == [7, 7, 7, 0, 1, 2, 3]
    back = Walk.through([3, 3, 1], backward=True, device=torch.device("cpu"))
    assert back.steps == ((6, 1, 0, 0), (3, 3, 6, 1), (0, 3, 3, 3))
    assert back.past.tolist() == [3, 4, 5, 6, 7, 7, 7]


def test_the_halves_of_a_walk_by_hand() -> None:
    forth = Walk.through([3, 3, 1], backward=False, device=torch.device("cpu"))
    assert forth.halves() == (((0, 2, 0, 0), (3, 2, 0, 2), (6, 1, 3, 1)), ((2, 1, 2, 0), (5, 1, 2, 1)))
    back = Walk.through([3, 3, 1], backward=True, device=torch.device("cpu"))
    left, right = back.halves()
    assert left == ((6, 1, 0, 0), (3, 2, 6, 1), (0, 2, 3, 2))
    assert [(step.start, step.rows, step.known) for step in right] == [(5, 1, 0), (2, 1, 1)]


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_compiled_steps_are_those_of_torch(threads: int, dropout: float) -> None:
    """float32, which is compiled, against float64, which is not; on one thread and in two halves."""
    exact, x = build(3, dropout)
    model, short = HighwayLstm(input_dim=3, hidden=4, layers=3, dropout=dropout), x.detach().float().requires_grad_()
    model.load_state_dict(exact.state_dict())
    before, found = torch.get_num_threads(), []
    try:
        torch.set_num_threads(threads)
        for own, given in ((model, short), (exact, x)):
            torch.manual_seed(5)
            out = own(given, torch.tensor(LENGTHS))
            found.append([out, *torch.autograd.grad(out.square().sum(), [given, *own.parameters()])])
    finally:
        torch.set_num_threads(before)
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one.double(), other, rtol=1e-5, atol=1e-5)


def test_it_starts_orthonormal_and_remembering() -> None:
    model = HighwayLstm(input_dim=9, hidden=4, layers=2, dropout=0.0)
    for gate in model.weight_hh[1].split(4):
        torch.testing.assert_close(gate @ gate.T, torch.eye(4))
    assert model.bias[0].tolist() == [0.0] * 16 + [1.0] * 4 + [0.0] * 4
