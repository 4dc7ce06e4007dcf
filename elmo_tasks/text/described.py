"""Predictions as printed by `predict`: JSON values with the tokens and the findings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from elmo_tasks.text.examples import Mention
from elmo_tasks.text.propositions import to_frame
from elmo_tasks.text.spans import to_spans


def describe_tags(tokens: Sequence[str], tags: Sequence[str]) -> dict[str, Any]:
    """`{"tokens", "tags"}`."""
    return {"tokens": list(tokens), "tags": list(tags)}


def describe_spans(tokens: Sequence[str], tags: Sequence[str]) -> dict[str, Any]:
    """`{"tokens", "tags", "entities"}` for BIO tags; an entity covers the tokens from `start` to before `end`."""
    entities = [
        {"type": label, "start": start, "end": end, "text": " ".join(tokens[start:end])}
        for label, start, end in to_spans(tags, "BIO")
    ]
    return {**describe_tags(tokens, tags), "entities": entities}


def likeliest(probabilities: Mapping[str, float]) -> str | None:
    """The label with the highest probability; None if there are no labels."""
    return max(probabilities, key=probabilities.__getitem__, default=None)


def describe_label(tokens: Sequence[str], probabilities: Mapping[str, float]) -> dict[str, Any]:
    """`{"tokens", "label", "probabilities"}`; the label is null if there are no tokens."""
    rounded = {name: round(value, 6) for name, value in probabilities.items()}
    return {"tokens": list(tokens), "label": likeliest(probabilities), "probabilities": rounded}


def describe_pair(
    premise: Sequence[str], hypothesis: Sequence[str], probabilities: Mapping[str, float]
) -> dict[str, Any]:
    """`{"premise", "hypothesis", "label", "probabilities"}`; the label is null if there are no tokens."""
    found = describe_label((), probabilities)
    del found["tokens"]
    return {"premise": list(premise), "hypothesis": list(hypothesis), **found}


def describe_clusters(sentences: Sequence[Sequence[str]], clusters: Iterable[Iterable[Mention]]) -> dict[str, Any]:
    """`{"tokens", "sentences", "clusters"}` of a document; all places are ranges of its tokens."""
    tokens = [token for sentence in sentences for token in sentence]
    ranges: list[list[int]] = []
    for sentence in sentences:
        start = ranges[-1][1] if ranges else 0
        ranges.append([start, start + len(sentence)])
    found = [
        [{"start": start, "end": end, "text": " ".join(tokens[start:end])} for start, end in sorted(cluster)]
        for cluster in sorted(sorted(cluster) for cluster in clusters)
    ]
    return {"tokens": tokens, "sentences": ranges, "clusters": found}


def describe_frames(tokens: Sequence[str], frames: Iterable[tuple[int, Sequence[str]]]) -> dict[str, Any]:
    """`{"tokens", "frames"}`. frames: the position of each predicate and its BIO tags."""
    return {"tokens": list(tokens), "frames": [to_frame(tokens, at, tags) for at, tags in frames]}
