"""The panels of an answer: what the template `panels.html` needs to know for each of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from elmo_tasks.core.html import fragment
from elmo_tasks.demo.answers import Frame, LikelySpan
from elmo_tasks.demo.similarity import Similarity
from elmo_tasks.text.labels import LabelSet, span_types

LEVELS = 20
"""The colours of the table of cosines: CSS classes `k0` (cosine 0 and below) to `k20` (1)."""

MEANINGS = {
    "ARG0": "agent",
    "ARG1": "patient",
    "ARG2": "instrument, benefactive, attribute",
    "ARG3": "starting point, benefactive, attribute",
    "ARG4": "ending point",
    "ARGM-ADV": "adverbial",
    "ARGM-CAU": "cause",
    "ARGM-COM": "company",
    "ARGM-DIR": "direction",
    "ARGM-DIS": "discourse",
    "ARGM-EXT": "extent",
    "ARGM-GOL": "goal",
    "ARGM-LOC": "place",
    "ARGM-MNR": "manner",
    "ARGM-MOD": "modal",
    "ARGM-NEG": "negation",
    "ARGM-PRD": "secondary predicate",
    "ARGM-PRP": "purpose",
    "ARGM-TMP": "time",
}
"""What these labels mostly are, in the words of PropBank's annotation guidelines (Bonial et al. 2012) or fewer."""

_ENTITIES = (
    "Per cent: the probability, under the CRF, of exactly this entity, summed over all tag sequences that have it. "
    "The entities are those of the likeliest sequence."
)
_FRAMES = (
    "Per cent beside a predicate: the finder's softmax that this token is one. "
    "Per cent below an argument: the probability of exactly this argument, summed over all tag sequences that have it."
)
_LABELS = "Per cent: the softmax probability of the label; nothing has calibrated it."
_TINTS = 12  # in style.css
_NUMBERED = 14  # tokens up to which the cells show their numbers


def entity_panel(tokens: Sequence[str], entities: Sequence[LikelySpan], labels: LabelSet) -> Markup:
    """The sentence, each entity in the colour of its type, with type and probability behind it."""
    types = span_types([labels.names])
    pieces: list[tuple[Sequence[str], LikelySpan | None, str]] = []
    done = 0
    for entity in entities:
        if done < entity.start:
            pieces.append((tokens[done : entity.start], None, ""))
        pieces.append((tokens[entity.start : entity.end], entity, tint(entity.label, types)))
        done = entity.end
    if done < len(tokens):
        pieces.append((tokens[done:], None, ""))
    return _panel("entities", pieces, _ENTITIES)


def frame_panel(tokens: Sequence[str], frames: Sequence[Frame], labels: LabelSet) -> Markup:
    """One strip per predicate: the sentence, each argument with role and probability below it."""
    types = {_split(role)[1] for role in span_types([labels.names]) - {"V"}}
    present = sorted({span.label for frame in frames for span in frame.arguments})
    roles = [(role, _role_tint(role, types), meaning(role)) for role in present if meaning(role)]
    strips = [(frame, tokens[frame.place], list(_strip(tokens, frame, types))) for frame in frames]
    return _panel("frames", strips, roles, _FRAMES)


def label_panel(probabilities: Mapping[str, float]) -> Markup:
    """The likeliest label, and a bar for each of them in their own order."""
    return _panel("labels", probabilities, max(probabilities, key=probabilities.__getitem__), _LABELS)


def mix_panel(mix: Mapping[str, Mapping[str, Any]]) -> Markup:
    """A run's learned mix of layers: one bar, cut as the weights are. mix: as `EmbeddingMix.mix_weights` returns it."""
    return _panel("mixes", mix)


def similarity_panel(found: Similarity, own: bool) -> Markup:
    """Two tokens by layer, and every token with every other, one table per layer.

    pair.js, in the browser, lets people choose the two: it reads the numbers from the tables. own: whether one of the
    runs uses the biLM that the layers are of.
    """
    notes = [] if own else ["None of the runs uses ELMo, so this is the biLM inside the package."]
    if found.total > len(found.tokens):
        notes.append(f"Compared are the first {len(found.tokens)} of the sentence's {found.total} tokens.")
    layers = found.cosines.tolist()
    tables = [
        [
            [(_kind(cosine, (row, column) == found.pair), f"{cosine:.2f}") for column, cosine in enumerate(cosines)]
            for row, cosines in enumerate(rows)
        ]
        for rows in layers
    ]
    pair = [rows[found.pair[0]][found.pair[1]] for rows in layers]
    return _panel("similarity", found, pair, tables, LEVELS, len(found.tokens) <= _NUMBERED, notes)


def card(kind: str, title: str, facts: Sequence[str], *body: Markup) -> Markup:
    """A panel or several in a frame of their own."""
    return _panel("card", kind, title, facts, Markup("").join(body))


def page(notes: Sequence[str], cards: Sequence[Markup] = (), compared: Markup | str = "") -> str:
    """A whole answer."""
    return str(_panel("whole", notes, cards, compared))


def tint(label: str, labels: Iterable[str]) -> str:
    """The class of a label's colour: by its place among all `labels`, whatever a sentence has of them."""
    return f"t{sorted(set(labels)).index(label) % _TINTS}"


def meaning(role: str) -> str:
    """What a role is, with its prefix `R-` (a relative pronoun refers to it) or `C-` (it goes on); "" if not known."""
    prefix, plain = _split(role)
    known = MEANINGS.get(plain, "")
    return known and {"R-": "reference to ", "C-": "more of "}.get(prefix, "") + known


def _panel(macro: str, *values: Any) -> Markup:
    return Markup(fragment("demo/panels.html", macro, *values))


def _strip(
    tokens: Sequence[str], frame: Frame, types: Iterable[str]
) -> Iterable[tuple[Sequence[str], LikelySpan | None, str, str]]:
    """The pieces of a sentence: arguments, and single tokens, of which one is the predicate."""
    arguments = {span.start: span for span in frame.arguments}
    place = 0
    while place < len(tokens):
        span = arguments.get(place)
        if span is not None:
            yield tokens[place : span.end], span, _role_tint(span.label, types), meaning(span.label)
            place = span.end
        else:
            yield tokens[place : place + 1], None, "predicate" if place == frame.place else "other", ""
            place += 1


def _split(role: str) -> tuple[str, str]:
    return (role[:2], role[2:]) if role[:2] in ("R-", "C-") else ("", role)


def _role_tint(role: str, types: Iterable[str]) -> str:
    """A role's colour is also that of what refers to it and continues it."""
    return tint(_split(role)[1], types)


def _kind(cosine: float, chosen: bool) -> str:
    level = min(round(max(0.0, cosine) * LEVELS), LEVELS)
    return f"k{level} chosen" if chosen else f"k{level}"
