"""Write frames: as columns for `srl-eval.pl` of CoNLL-2005, and as spans with their words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from elmo_tasks.text.brackets import to_brackets
from elmo_tasks.text.columns import to_columns
from elmo_tasks.text.examples import TaggedSentence
from elmo_tasks.text.spans import to_spans


def to_propositions(examples: Sequence[TaggedSentence], tags: Sequence[Sequence[str]]) -> str:
    """One row per token: the word if it is a predicate, else `-`; then one column of bracketed spans per predicate.

    examples: each sentence itself (without a predicate), followed by its predicates; tags: BIO tags of each example.
    """
    sentences: list[tuple[TaggedSentence, dict[int, list[str]]]] = []
    for example, own in zip(examples, tags, strict=True):
        if example.predicate is None:
            sentences.append((example, {}))
        else:
            sentences[-1][1][example.predicate] = to_brackets(own)
    return to_columns(
        [
            [
                [token if place in columns else "-", *(columns[at][place] for at in sorted(columns))]
                for place, token in enumerate(sentence.tokens)
            ]
            for sentence, columns in sentences
        ]
    )


def to_frame(tokens: Sequence[str], place: int, tags: Sequence[str]) -> dict[str, Any]:
    """JSON of one predicate: `{"predicate", "index", "tags", "arguments"}`; an argument covers the tokens from `start`
    up to, but not including, `end`."""
    arguments = [
        {"role": label, "start": start, "end": end, "text": " ".join(tokens[start:end])}
        for label, start, end in to_spans(tags, "BIO")
        if label != "V"
    ]
    return {"predicate": tokens[place], "index": place, "tags": list(tags), "arguments": arguments}
