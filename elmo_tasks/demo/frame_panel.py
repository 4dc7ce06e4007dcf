"""Frames as HTML: for each predicate the sentence with its arguments marked."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from elmo_tasks.demo.answers import Frame
from elmo_tasks.demo.figures import per_cent, tint, word, words
from elmo_tasks.text.labels import LabelSet, span_types

EXPLANATION = (
    "Per cent beside a predicate: the finder's softmax that this token is one. "
    "Per cent below an argument: the product of the labeller's softmax probabilities of its tokens' tags."
)

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


def frame_panel(tokens: Sequence[str], frames: Sequence[Frame], labels: LabelSet) -> str:
    """A strip a predicate: the sentence as it runs, each argument with role and probability below it."""
    if not frames:
        return '<p class="nothing">No predicate found.</p>'
    strips = "".join(_strip(tokens, frame, labels) for frame in frames)
    return f'<div class="frames">{strips}</div>{_legend(frames, labels)}<p class="fine">{EXPLANATION}</p>'


def meaning(role: str) -> str:
    """What a role is, with its prefix `R-` (a relative pronoun refers to it) or `C-` (it goes on); "" if not known."""
    prefix, plain = _split(role)
    known = MEANINGS.get(plain, "")
    return known and {"R-": "reference to ", "C-": "more of "}.get(prefix, "") + known


def _split(role: str) -> tuple[str, str]:
    return (role[:2], role[2:]) if role[:2] in ("R-", "C-") else ("", role)


def _tint(role: str, labels: LabelSet) -> str:
    """A role's colour is also that of what refers to it and continues it."""
    return tint(_split(role)[1], {_split(other)[1] for other in span_types([labels.names]) - {"V"}})


def _legend(frames: Sequence[Frame], labels: LabelSet) -> str:
    """What the roles that occur mean."""
    present = sorted({span.label for frame in frames for span in frame.arguments})
    known = "".join(
        f'<span class="{_tint(role, labels)}"><b>{word(role)}</b> {escape(meaning(role))}</span>'
        for role in present
        if meaning(role)
    )
    return f'<div class="roles">{known}</div>' if known else ""


def _strip(tokens: Sequence[str], frame: Frame, labels: LabelSet) -> str:
    pieces = {span.start: span for span in frame.arguments}
    parts, place = [], 0
    while place < len(tokens):
        if place in pieces:
            span = pieces[place]
            parts.append(
                f'<span class="role {_tint(span.label, labels)}" title="{escape(meaning(span.label))}">'
                f"<span>{words(tokens[span.start : span.end])}</span>"
                f'<span class="label">{word(span.label)} <b>{per_cent(span.probability)}</b></span></span>'
            )
            place = span.end
        else:
            kind = "predicate" if place == frame.place else "other"
            parts.append(f'<span class="{kind}">{word(tokens[place])}</span>')
            place += 1
    head = f"<b>{word(tokens[frame.place])}</b> {per_cent(frame.probability)}"
    return f'<div class="frame"><div class="head">{head}</div><div class="strip">{" ".join(parts)}</div></div>'
