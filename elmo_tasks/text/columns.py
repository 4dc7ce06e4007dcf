"""Write column files, the input of conlleval and similar scorers."""

from __future__ import annotations

from collections.abc import Sequence

from elmo_tasks.text.examples import TaggedSentence


def to_columns(sentences: Sequence[Sequence[Sequence[str]]]) -> str:
    """Rows such as `token gold predicted`, with a space between columns and a blank line between sentences."""
    return "\n".join("".join(" ".join(row) + "\n" for row in sentence) for sentence in sentences)


def gold_and_predicted(examples: Sequence[TaggedSentence], predicted: Sequence[Sequence[str]]) -> str:
    """Rows of `token gold predicted`, the input of conlleval."""
    pairs = zip(examples, predicted, strict=True)
    return to_columns([list(zip(own.tokens, own.tags, tags, strict=True)) for own, tags in pairs])
