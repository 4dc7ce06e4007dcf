"""The hand-written gradients of pre-training against autograd over the plain modules."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from elmo_tasks.elmo.bilm import BiLM
from elmo_tasks.elmo.characters import batch_to_ids, encode_vocabulary, encode_words
from elmo_tasks.elmo.lstm import LstmState, ProjectedLstm
from elmo_tasks.elmo.options import BilmOptions
from elmo_tasks.pretraining.bptt import BidirectionalLayer, Kernels
from elmo_tasks.pretraining.objective import Objective, StreamState, Window
from elmo_tasks.pretraining.sampled_softmax import LogUniformSampler, SampledCrossEntropy, SoftmaxKernels, exact_losses

OPTIONS = BilmOptions(char_dim=4, filters=((1, 3), (2, 5), (4, 6)), n_highway=2, cell_dim=10, projection_dim=6)
WORDS = ["<S>", "</S>", "<UNK>", "a", "of", "Köln", "x" * 45, "y" * 60, "\U0001f600", "word"]


@pytest.mark.parametrize("clips", [(3.0, 3.0), (0.2, 0.05)])
@pytest.mark.parametrize("anew", [(), ((0, 0, 1), (0, 3, 0), (0, 4, 0), (1, 6, 2), (1, 2, 1))])
def test_a_layer_equals_autograd_over_the_plain_loop(
    clips: tuple[float, float], anew: tuple[tuple[int, int, int], ...]
) -> None:
    """`anew`: directions, steps and streams whose state starts from zero."""
    torch.manual_seed(0)
    pair = [
        ProjectedLstm(input_dim=5, cell_dim=8, projection_dim=4, cell_clip=clips[0], proj_clip=clips[1])
        for _ in range(2)
    ]
    x = torch.randn(2, 7, 3, 5, requires_grad=True)
    hidden, cell = torch.randn(2, 3, 4) * 0.1, torch.randn(2, 3, 8) * 0.1
    weigh = torch.randn(2, 7, 3, 4)

    def stack(name: str) -> Tensor:
        return torch.stack([getattr(lstm, name) for lstm in pair])

    names = ("weight_ih", "weight_hh", "bias", "weight_proj")
    keep = torch.ones(2, 7, 3, 1)
    for direction, step, stream in anew:
        keep[direction, step, stream] = 0
    out, last_hidden, last_cell = BidirectionalLayer.apply(
        x, *(stack(name) for name in names), hidden, cell, keep, *clips, Kernels()
    )
    parameters = [x, *(parameter for lstm in pair for parameter in lstm.parameters())]
    ours = torch.autograd.grad((out * weigh).sum(), parameters)

    plain, states = [], []
    for direction, lstm in enumerate(pair):
        state, steps = LstmState(hidden[direction], cell[direction]), []
        for step in range(7):
            zero = torch.tensor([(direction, step, stream) in anew for stream in range(3)])[:, None]
            before = LstmState(state.hidden.masked_fill(zero, 0), state.cell.masked_fill(zero, 0))
            found, state = lstm(x[direction, step][:, None], torch.ones(3, 1, dtype=torch.bool), before)
            steps.append(found[:, 0])
        plain.append(torch.stack(steps))
        states.append(state)
    theirs = torch.autograd.grad((torch.stack(plain) * weigh).sum(), parameters)
    torch.testing.assert_close(out, torch.stack(plain))
    torch.testing.assert_close(last_hidden, torch.stack([state.hidden for state in states]))
    torch.testing.assert_close(last_cell, torch.stack([state.cell for state in states]))
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-5)


def test_the_grouped_encoder_equals_the_plain_one() -> None:
    torch.manual_seed(0)
    objective = Objective(BiLM(OPTIONS), vocabulary=20, samples=5)
    encoder = objective.bilm.token_encoder
    characters = encode_words(WORDS)
    weigh = torch.randn(len(WORDS), 6)
    parameters = list(encoder.parameters())
    grouped, plain = objective.encode(characters, group=3), encoder(characters)
    torch.testing.assert_close(grouped, plain)
    ours = torch.autograd.grad((grouped * weigh).sum(), parameters)
    theirs = torch.autograd.grad((plain * weigh).sum(), parameters)
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("width", [10, 50])
def test_encode_vocabulary_equals_encode_words(width: int) -> None:
    assert torch.equal(encode_vocabulary(WORDS, width).long(), encode_words(WORDS, width))


def test_sampled_loss_and_gradients_equal_autograd() -> None:
    torch.manual_seed(0)
    rows, classes, dim = 11, 30, 6
    hidden = torch.randn(rows, dim, requires_grad=True)
    table, offset = torch.randn(classes, dim, requires_grad=True), torch.randn(classes, requires_grad=True)
    targets = torch.randint(classes, (rows,))
    sampled = torch.randperm(classes)[:12].sort().values
    collision = torch.tensor([(sampled == target).nonzero().flatten().tolist() or [-1] for target in targets])[:, 0]
    loss = SampledCrossEntropy.apply(
        hidden, table[targets], offset[targets], table[sampled], offset[sampled], collision, SoftmaxKernels(rows=4)
    )
    ours = torch.autograd.grad(loss * 0.5, (hidden, table, offset))
    plain = torch.zeros(())
    for row in range(rows):
        others = [int(index) for index in sampled if index != targets[row]]
        chosen = torch.tensor([int(targets[row]), *others])
        scores = table[chosen] @ hidden[row] + offset[chosen]
        plain = plain + nn.functional.cross_entropy(scores[None], torch.tensor([0]))
    torch.testing.assert_close(loss, plain)
    for mine, other in zip(ours, torch.autograd.grad(plain * 0.5, (hidden, table, offset)), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-5)


def test_the_sampler_draws_distinct_classes_as_often_as_it_says() -> None:
    sampler = LogUniformSampler(50, 8)
    assert sampler.probability.sum().item() == pytest.approx(1.0)
    generator = torch.Generator().manual_seed(0)
    seen, expected, draws = torch.zeros(50), torch.zeros(50), 3000
    for _ in range(draws):
        classes, tries = sampler.draw(generator)
        assert len(classes) == 8 == len(classes.unique()) and tries >= 8
        seen[classes] += 1
        expected += sampler.log_expected_count(torch.arange(50), tries).exp()
    # The formula is TensorFlow's approximation: tries is itself random.
    assert (seen / draws - expected / draws).abs().max() < 0.05


def test_two_windows_carry_the_state() -> None:
    """Two windows of 3 steps with the state carried are one window of 6 for the forward pass."""
    torch.manual_seed(0)
    objective = Objective(BiLM(OPTIONS), vocabulary=20, samples=5).eval()
    characters, inputs = encode_words(WORDS), torch.randint(len(WORDS), (2, 6, 4))

    def window(steps: slice) -> Window:
        part = inputs[:, steps]
        return Window(characters, part, torch.zeros_like(part), torch.ones_like(part, dtype=torch.bool))

    whole, _ = objective.contextualise(window(slice(None)), objective.initial_state(4))
    first, state = objective.contextualise(window(slice(0, 3)), objective.initial_state(4))
    second, _ = objective.contextualise(window(slice(3, None)), state)
    torch.testing.assert_close(torch.cat([first, second], 1), whole)


def test_fresh_sentences_are_the_sentences_of_the_bilm() -> None:
    """Two sentences one after the other in a stream have the vectors that the biLM gives each of them alone."""
    torch.manual_seed(0)
    objective = Objective(BiLM(OPTIONS), vocabulary=20, samples=5, fresh_sentences=True).eval()
    steps = [[0, 3, 4, 5, 0, 8, 9], [1, 5, 4, 3, 1, 9, 8]]  # <S> a of Köln, <S> 😀 word; and from right to left
    inputs = torch.tensor(steps)[:, :, None]  # (2, T, 1)
    window = Window(encode_words(WORDS), inputs, torch.zeros_like(inputs), inputs < 2)
    state = StreamState(*(torch.randn_like(part) for part in objective.initial_state(1)))
    found, _ = objective.contextualise(window, state)
    sentences = [[WORDS[n] for n in (3, 4, 5)], [WORDS[n] for n in (8, 9)]]
    alone = objective.bilm(batch_to_ids(sentences), keep_sentence_boundaries=True).layers[:, -1]  # (2, 5, 2P)
    ahead = torch.cat([alone[0, :4, :6], alone[1, :3, :6]])
    behind = torch.cat([alone[0, 1:5, 6:].flip(0), alone[1, 1:4, 6:].flip(0)])
    torch.testing.assert_close(found[:, :, 0], torch.stack([ahead, behind]))


def test_as_many_samples_as_classes_are_the_full_softmax() -> None:
    """Loss and gradients are those of PyTorch's cross-entropy over all classes, and nothing is drawn."""
    torch.manual_seed(0)
    objective = Objective(BiLM(OPTIONS), vocabulary=20, samples=20, dropout=0.0)
    softmax = objective.softmax
    softmax.weight.sparse = softmax.bias.sparse = False
    torch.nn.init.normal_(softmax.bias.weight)
    characters, inputs = encode_words(WORDS), torch.randint(len(WORDS), (2, 5, 3))
    window = Window(characters, inputs, torch.randint(20, (2, 5, 3)), torch.zeros_like(inputs, dtype=torch.bool))
    generator = torch.Generator().manual_seed(1)
    before = generator.get_state()
    found, _ = objective(window, objective.initial_state(3), generator)
    assert torch.equal(generator.get_state(), before)
    hidden, _ = objective.contextualise(window, objective.initial_state(3))
    logits = hidden.flatten(0, 2) @ softmax.weight.weight.t() + softmax.bias.weight.squeeze(1)
    expected = torch.nn.functional.cross_entropy(logits, window.targets.flatten())
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)
    parameters = [p for p in objective.parameters() if p.requires_grad]
    mine, theirs = (torch.autograd.grad(loss, parameters, allow_unused=True) for loss in (found, expected))
    for one, other in zip(mine, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


def test_the_exact_loss_is_the_cross_entropy_in_double_precision() -> None:
    torch.manual_seed(0)
    hidden, weight, bias = torch.randn(20, 2), 3 * torch.randn(2**19, 2), torch.randn(2**19)  # 16 rows at a time
    targets = torch.randint(2**19, (20,))
    logits = hidden.double() @ weight.double().t() + bias.double()
    expected = torch.nn.functional.cross_entropy(logits, targets, reduction="none")
    torch.testing.assert_close(exact_losses(hidden, targets, weight, bias).double(), expected, rtol=0, atol=1e-5)
