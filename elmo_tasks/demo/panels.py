"""The panels of an answer: the values for the template `panels.html`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from markupsafe import Markup

from elmo_tasks.core.html import fragment
from elmo_tasks.demo.similarity import Similarity
from elmo_tasks.text.results import (
    Argument,
    ClusterResult,
    Entity,
    EntityResult,
    Frame,
    FrameResult,
    LabelResult,
    OtherResult,
    Result,
    TagResult,
)
from elmo_tasks.text.tokeniser import Token

SpanT = TypeVar("SpanT", Entity, Argument)

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
"""The usual meanings of these labels, abbreviated from PropBank's annotation guidelines (Bonial et al. 2012)."""

_TINTS = 12  # in style.css
_NUMBERED = 14  # maximum number of tokens for which the cells show their numbers


def entity_panel(result: EntityResult, types: Sequence[str]) -> Markup:
    """The sentence, each entity in the colour of its type, followed by its type and probability."""
    pieces = [
        (_texts(tokens), entity, tint(entity.type, types) if entity else "")
        for tokens, entity in _pieces(result, result.entities)
    ]
    return _panel("entities", pieces)


def tag_panel(result: TagResult, labels: Sequence[str]) -> Markup:
    """The sentence, each token with its label and probability below it."""
    return _panel("tags", [(tag, tint(tag.tag, labels)) for tag in result.tags])


def cluster_panel(result: ClusterResult) -> Markup:
    """The document, each mention in the colour of its cluster, with the cluster's number and the mention's probability.

    Nested mentions are inside others.
    """
    mentions = [
        (mention.start, -mention.end, number, mention.score)
        for number, cluster in enumerate(result.clusters, 1)
        for mention in cluster
    ]
    tree: list[Any] = []
    opened: list[tuple[int, list[Any]]] = []  # the end of each open mention, and what contains it
    here, left = tree, sorted(mentions, key=lambda mention: mention[:3], reverse=True)
    for token in result.tokens:
        while opened and opened[-1][0] <= token.start:
            here = opened.pop()[1]
        while left and left[-1][0] <= token.start:
            _, end, number, score = left.pop()
            inside: list[Any] = []
            here.append((str(number), score, f"t{(number - 1) % _TINTS}", inside))
            opened.append((-end, here))
            here = inside
        here.append(token.text)
    return _panel("clusters", tree, len(result.clusters))


def frame_panel(result: FrameResult, roles: Sequence[str], several: bool = False) -> Markup:
    """One strip per predicate: the sentence, each argument with role and probability below it.

    several: whether this is one of several sentences, so that it is shown even without a predicate.
    """
    types = {_split(role)[1] for role in {*roles} - {"V"}}
    present = sorted({argument.role for frame in result.frames for argument in frame.arguments})
    legend = [(role, _role_tint(role, types), meaning(role)) for role in present if meaning(role)]
    strips = [(frame, list(_strip(result, frame, types))) for frame in result.frames]
    return _panel("frames", strips, legend, _said(result, several))


def label_panel(result: LabelResult, several: bool = False) -> Markup:
    """The most probable label, and a bar for each label in their usual order. several: also show the sentence."""
    return _panel("labels", result.probabilities, result.label, _said(result, several))


def plain_panel(result: Result, several: bool = False) -> Markup:
    """The findings of a task of your own, as JSON. several: also show the sentence."""
    values = result.found if isinstance(result, OtherResult) else result.findings()
    shown = [(str(key), json.dumps(value, ensure_ascii=False, default=str)) for key, value in values.items()]
    return _panel("found", shown, _said(result, several))


def mix_panel(mix: Mapping[str, Mapping[str, Any]]) -> Markup:
    """The learned mix of layers: one bar, divided in proportion to the weights. mix: the output of `mix_weights`."""
    return _panel("mixes", mix)


def similarity_panel(found: Similarity, own: bool) -> Markup:
    """Two tokens compared by layer, and all tokens with each other in one table per layer.

    In the browser, page.js lets users choose the two tokens; it reads the numbers from the tables. own: whether one of
    the runs uses the biLM whose layers are shown.
    """
    notes = [] if own else ["None of the runs uses ELMo, so this is the biLM inside the package."]
    if found.total > len(found.tokens):
        notes.append(f"Only the first {len(found.tokens)} of the sentence's {found.total} tokens are compared.")
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


def card(
    kind: str, title: str, facts: Sequence[str], *body: Markup, explanation: str = "", foot: Markup | str = ""
) -> Markup:
    """Panels in a frame. kind: its CSS classes; facts: shown next to the title; foot: a panel at the end."""
    return _panel("card", kind, title, facts, Markup("").join(body), explanation, foot)


def page(notes: Sequence[str], cards: Sequence[Markup] = (), compared: Markup | str = "") -> str:
    """A complete answer."""
    return str(_panel("whole", notes, cards, compared))


def tint(label: str, labels: Iterable[str]) -> str:
    """The CSS class of the colour of a label, by its position among all `labels`."""
    return f"t{sorted(set(labels)).index(label) % _TINTS}"


def meaning(role: str) -> str:
    """The meaning of a role, with its prefix `R-` (reference) or `C-` (continuation); "" if not known."""
    prefix, plain = _split(role)
    known = MEANINGS.get(plain, "")
    return known and {"R-": "reference to ", "C-": "more of "}.get(prefix, "") + known


def _panel(macro: str, *values: Any) -> Markup:
    return Markup(fragment("demo/panels.html", macro, *values))


def _strip(
    result: FrameResult, frame: Frame, types: Iterable[str]
) -> Iterable[tuple[Sequence[str], Argument | None, str, str]]:
    """The pieces of a sentence: arguments and single tokens, one of which is the predicate."""
    for tokens, argument in _pieces(result, frame.arguments):
        if argument is not None:
            yield _texts(tokens), argument, _role_tint(argument.role, types), meaning(argument.role)
        else:
            yield _texts(tokens), None, "predicate" if tokens[0].start == frame.start else "other", ""


def _pieces(result: Result, spans: Sequence[SpanT]) -> Iterable[tuple[Sequence[Token], SpanT | None]]:
    """The tokens of a sentence in order, grouped by span; all others are single."""
    starts = {span.start: span for span in spans}
    place = 0
    while place < len(result.tokens):
        span, stop = starts.get(result.tokens[place].start), place + 1
        while span is not None and stop < len(result.tokens) and result.tokens[stop].end <= span.end:
            stop += 1
        yield result.tokens[place:stop], span
        place = stop


def _said(result: Result, several: bool) -> Sequence[str]:
    return _texts(result.tokens) if several else []


def _texts(tokens: Sequence[Token]) -> Sequence[str]:
    return [token.text for token in tokens]


def _split(role: str) -> tuple[str, str]:
    return (role[:2], role[2:]) if role[:2] in ("R-", "C-") else ("", role)


def _role_tint(role: str, types: Iterable[str]) -> str:
    """The CSS class of a role; references and continuations have the same colour."""
    return tint(_split(role)[1], types)


def _kind(cosine: float, chosen: bool) -> str:
    level = min(round(max(0.0, cosine) * LEVELS), LEVELS)
    return f"k{level} chosen" if chosen else f"k{level}"
