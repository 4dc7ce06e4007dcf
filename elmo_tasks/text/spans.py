"""Spans and the tag schemes that encode them: IOB1 (CoNLL-2003's files), BIO (IOB2), BIOES (BILOU, BMES) and IO."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from elmo_tasks.core.errors import InputError, quoted

SCHEMES = ("IOB1", "BIO", "BIOES")
_OTHER_NAMES = {"L": "E", "U": "S", "M": "I", "W": "S"}  # BILOU and BMES are BIOES under other names
_PREFIXED = re.compile(r"[BIESLUMW]-.*|.+-[BIES]")


class Span(NamedTuple):
    """A labelled span of tokens, with an exclusive `end`."""

    label: str
    start: int
    end: int


def split_tag(tag: str, source: str = "") -> tuple[str, str]:
    """Split `"B-PER"` into `("B", "PER")`, `"O"` into `("O", "")`. Raises InputError for anything else."""
    if tag == "O":
        return "O", ""
    prefix, dash, label = tag.partition("-")
    if not (dash and label and prefix in ("B", "I", "E", "S", *_OTHER_NAMES)):
        raise InputError(_at(source) + f"{quoted(tag)} is not a tag such as O, B-PER or I-PER")
    return _OTHER_NAMES.get(prefix, prefix), label


def is_io(tags: Collection[str]) -> bool:
    """Whether the distinct tags of a file are in the IO scheme: `O` and bare types such as `PER`."""
    others = set(tags) - {"O"}
    bare = all(tag[0].isalpha() and not _PREFIXED.fullmatch(tag) for tag in others)
    return "O" in tags and bool(others) and bare


def from_io(tags: Sequence[str]) -> list[str]:
    """Convert IO tags to BIO; adjacent tokens of the same type are one span."""
    spans = zip(tags, ["O", *tags], strict=False)
    return [tag if tag == "O" else f"{'I' if tag == before else 'B'}-{tag}" for tag, before in spans]


def detect_scheme(sequences: Iterable[Sequence[str]]) -> str:
    """Detect the scheme of tag sequences.

    BIOES if an E- or S- occurs; IOB1 if a span starts with I-; else BIO. A single sequence may fit several schemes, so
    pass all sequences of a file.
    """
    scheme = "BIO"
    for tags in sequences:
        before = ("O", "")
        for tag in tags:
            now = split_tag(tag)
            if now[0] in "ES":
                return "BIOES"
            if now[0] == "I" and (before[0] == "O" or before[1] != now[1]):
                scheme = "IOB1"
            before = now
    return scheme


def beginnings(tags: Sequence[str]) -> tuple[list[int], list[int]]:
    """Positions of spans that begin with B-, and of those that begin with I-, not directly after a span of their type.

    A file in BIO has only the former, one in IOB1 only the latter.
    """
    with_b: list[int] = []
    with_i: list[int] = []
    before = ("O", "")
    for position, tag in enumerate(tags):
        now = split_tag(tag)
        if now[0] in "BI" and (before[0] == "O" or before[1] != now[1]):
            (with_b if now[0] == "B" else with_i).append(position)
        before = now
    return with_b, with_i


def to_spans(tags: Sequence[str], scheme: str, source: str | Sequence[str] = "") -> list[Span]:
    """Convert a tag sequence to spans, strictly.

    source: `file:line` of the sequence, or of each of its tags.

    Raises:
        InputError: the sequence is illegal in `scheme`; the message names the token and its source.
    """
    spans: list[Span] = []
    start, label = -1, ""  # the open span
    for position, tag in enumerate(tags):
        prefix, name = split_tag(tag, _source_of(source, position))
        continues = prefix in "IE" and start >= 0 and name == label
        if scheme != "BIOES" and prefix in "ES":
            raise _illegal(tags, position, scheme, source)
        if prefix in "IE" and not continues and not (scheme == "IOB1" and prefix == "I"):
            raise _illegal(tags, position, scheme, source)
        if start >= 0 and not continues:
            if scheme == "BIOES":
                raise _illegal(tags, position, scheme, source)
            spans.append(Span(label, start, position))
            start = -1
        if not continues and prefix != "O":
            start, label = position, name
        if prefix in "ES":
            spans.append(Span(label, start, position + 1))
            start = -1
    if start >= 0:
        if scheme == "BIOES":
            raise _illegal(tags, len(tags) - 1, scheme, source)
        spans.append(Span(label, start, len(tags)))
    return spans


def from_spans(spans: Iterable[Span], length: int, scheme: str) -> tuple[str, ...]:
    """Convert spans that do not overlap to the tags of `length` tokens."""
    tags = ["O"] * length
    for label, start, end in sorted(spans, key=lambda span: span.start):
        adjacent = start > 0 and tags[start - 1][2:] == label
        tags[start:end] = [f"I-{label}"] * (end - start)
        if scheme == "BIO" or (scheme == "IOB1" and adjacent):
            tags[start] = f"B-{label}"
        elif scheme == "BIOES":
            tags[start] = f"B-{label}"
            tags[end - 1] = f"{'S' if end - start == 1 else 'E'}-{label}"
    return tuple(tags)


def convert(
    tags: Sequence[str], source_scheme: str, target_scheme: str, source: str | Sequence[str] = ""
) -> tuple[str, ...]:
    """Convert tags from one scheme to another. Raises InputError for a sequence that is illegal in the first."""
    return from_spans(to_spans(tags, source_scheme, source), len(tags), target_scheme)


def repair(tags: Sequence[str], scheme: str) -> list[Span]:
    """The spans of a possibly illegal sequence, as in conlleval: a tag that cannot continue a span starts one."""
    spans: list[Span] = []
    start, label = -1, ""
    for position, tag in enumerate([*tags, "O"]):
        prefix, name = split_tag(tag)
        if start >= 0 and not (prefix in "IE" and name == label):
            spans.append(Span(label, start, position))
            start = -1
        if start < 0 and prefix != "O":
            start, label = position, name
        if start >= 0 and prefix in "ES":
            spans.append(Span(label, start, position + 1))
            start = -1
    return spans


def legal_transitions(names: Sequence[str], scheme: str) -> tuple[list[bool], list[bool], list[list[bool]]]:
    """Which tags may start a sentence, end it, and follow each other in `scheme` (BIO or BIOES).

    Returns: start (K,), end (K,), step (K, K) with `step[i][j]` for tag i followed by tag j.
    """

    def opens(prefix: str) -> bool:
        return prefix in ("O", "B", "S")

    def closes(prefix: str) -> bool:
        return prefix in ("O", "E", "S") or scheme == "BIO"

    parts = [split_tag(name) for name in names]
    step = [
        [
            (prefix in ("B", "I") and then in ("I", "E") and label == label_then) or (closes(prefix) and opens(then))
            for then, label_then in parts
        ]
        for prefix, label in parts
    ]
    return [opens(prefix) for prefix, _ in parts], [closes(prefix) for prefix, _ in parts], step


def _source_of(source: str | Sequence[str], position: int) -> str:
    return source if isinstance(source, str) else source[position]


def _illegal(tags: Sequence[str], position: int, scheme: str, source: str | Sequence[str]) -> InputError:
    before = quoted(tags[position - 1]) if position else "the start"
    return InputError(
        _at(_source_of(source, position))
        + f"{quoted(tags[position])} after {before} at token {position + 1} is not legal in the scheme {scheme}"
    )


def _at(source: str) -> str:
    return f"{source}: " if source else ""
