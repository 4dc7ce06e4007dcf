"""Entities as HTML: the sentence with each of them marked."""

from __future__ import annotations

from collections.abc import Sequence

from elmo_tasks.demo.answers import LikelySpan
from elmo_tasks.demo.figures import per_cent, tint, word, words
from elmo_tasks.text.labels import LabelSet, span_types

EXPLANATION = (
    "Per cent: the probability, under the CRF, of exactly this entity, summed over all tag sequences that have it. "
    "The entities are those of the likeliest sequence."
)


def entity_panel(tokens: Sequence[str], entities: Sequence[LikelySpan], labels: LabelSet) -> str:
    """The sentence, each entity in the colour of its type, with type and probability behind it."""
    types = span_types([labels.names])
    parts, done = [], 0
    for entity in entities:
        parts += [word(token) for token in tokens[done : entity.start]]
        *first, last = tokens[entity.start : entity.end]
        parts.append(
            f'<mark class="entity {tint(entity.label, types)}">{words(first)} <span class="tail">{word(last)}'
            f' <span class="label">{word(entity.label)} <b>{per_cent(entity.probability)}</b></span></span></mark>'
        )
        done = entity.end
    parts += [word(token) for token in tokens[done:]]
    nothing = "" if entities else '<p class="nothing">No entity found.</p>'
    return f'<p class="running">{" ".join(parts)}</p>{nothing}<p class="fine">{EXPLANATION}</p>'
