"""The probabilities of tags and spans under a linear chain, computed by the forward-backward algorithm."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp

import torch
from torch import Tensor

from elmo_tasks.text.spans import to_spans


@torch.no_grad()
def span_probabilities(
    emissions: Tensor,
    tags: Sequence[Sequence[int]],
    chain: tuple[Tensor, Tensor, Tensor],
    names: Sequence[str],
    scheme: str,
) -> list[list[float]]:
    """For each token, the probability of the span that contains it: exactly this span, with this label.

    It is the total weight `exp(score)` of the tag sequences with the span, divided by that of all sequences. For a
    token outside spans it is the probability of being outside.

    Args:
        emissions: scores (B, T, K) of the tags of each token.
        tags: legal tag numbers of each sentence, such as the best ones, with the length of the sentence.
        chain: the scores of starting (K,) and ending (K,) with a tag and of each transition (K, K); -inf is impossible.
        names: the K tags.
        scheme: `BIO` or `BIOES`.

    Returns: one list per sentence, one number from 0 to 1 per token.
    """
    start, end, step = (part.double() for part in chain)
    scores = emissions.double()
    lengths = torch.tensor([len(row) for row in tags], device=scores.device)
    forward, backward = _forward_backward(scores, lengths, start, end, step)  # (B, T, K) each
    padded = torch.tensor([[*row, *[0] * (scores.shape[1] - len(row))] for row in tags], device=scores.device)  # (B, T)
    inside = torch.tensor([names.index(f"I-{name[2:]}") if name != "O" else 0 for name in names], device=scores.device)
    moves = step[padded[:, :-1], padded[:, 1:]] + _pick(scores, padded)[:, 1:]  # (B, T - 1)
    longer = step[padded, inside[padded]][:, :-1] + _pick(scores + backward, inside[padded].roll(1, 1))[:, 1:]
    whole = (backward[:, 0] + forward[:, 0]).logsumexp(1)  # (B,)
    lists = zip(
        *(part.tolist() for part in (_pick(forward, padded) - whole[:, None], _pick(backward, padded), moves, longer)),
        strict=True,
    )
    found = []
    for numbers, (ahead, behind, own_moves, own_longer) in zip(tags, lists, strict=True):
        shares = [exp(ahead[place] + behind[place]) for place in range(len(numbers))]
        for _, first, stop in to_spans([names[number] for number in numbers], scheme):
            path = ahead[first] + sum(own_moves[first : stop - 1])
            share = exp(path + behind[stop - 1])
            if scheme == "BIO" and stop < len(numbers):  # sequences in which the span continues belong to longer spans
                share -= exp(path + own_longer[stop - 1])
            shares[first:stop] = [share] * (stop - first)
        found.append([min(max(share, 0.0), 1.0) for share in shares])  # outside only by rounding
    return found


@torch.no_grad()
def tag_probabilities(
    emissions: Tensor, lengths: Sequence[int], chain: tuple[Tensor, Tensor, Tensor]
) -> list[list[list[float]]]:
    """For each token, the probability of each tag: the share of the tag sequences with that tag.

    Args:
        emissions: scores (B, T, K) of the tags of each token.
        lengths: the lengths of the B sentences.
        chain: as for `span_probabilities`.

    Returns: one list per sentence, one list per token, K numbers from 0 to 1 that sum to 1.
    """
    scores = emissions.double()
    forward, backward = _forward_backward(
        scores, torch.tensor(lengths, device=scores.device), *(part.double() for part in chain)
    )  # (B, T, K) each
    shares = (forward + backward).softmax(2).tolist()  # the sum at each token is the weight of all sequences
    return [row[:length] for row, length in zip(shares, lengths, strict=True)]


def _pick(scores: Tensor, tags: Tensor) -> Tensor:
    """The scores of one tag per token. scores: (B, T, K), tags: (B, T) -> (B, T)."""
    return scores.gather(2, tags.unsqueeze(2)).squeeze(2)


def _forward_backward(
    scores: Tensor, lengths: Tensor, start: Tensor, end: Tensor, step: Tensor
) -> tuple[Tensor, Tensor]:
    """The log weights of all prefixes that end in a tag, and of all suffixes that can follow it: (B, T, K) each."""
    longest = scores.shape[1]
    ahead, behind = [start + scores[:, 0]], [end.expand(scores.shape[0], -1)]  # (B, K) each
    for time in range(1, longest):
        ahead.append((ahead[-1].unsqueeze(2) + step).logsumexp(1) + scores[:, time])
    for time in range(longest - 2, -1, -1):
        after = (step + (scores[:, time + 1] + behind[-1]).unsqueeze(1)).logsumexp(2)  # (B, K)
        behind.append(torch.where((time + 1 < lengths).unsqueeze(1), after, end))
    return torch.stack(ahead, 1), torch.stack(behind[::-1], 1)
