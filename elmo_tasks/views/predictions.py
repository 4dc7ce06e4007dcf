"""Write predictions for `predict --format`: JSON Lines, columns, or a table with one row per finding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.terminal import json_line, tabbed
from elmo_tasks.text.clusters import bracket_cells

FORMATS = ("jsonl", "conll", "tsv")


def prediction_lines(values: Iterable[Mapping[str, Any]], form: str) -> Iterator[str]:
    """Yield the lines for all sentences in one of `FORMATS`, without line breaks and `printable`.

    values: the output of `predict` for each sentence.

    - `jsonl`: the values unchanged, one line per sentence.
    - `conll`: one line per token, a blank line after each sentence: the token and its BIO tag or label; for semantic
      roles the token, the predicate or `-`, and one column of BIO tags per predicate; for coreference the token and
      the cell of CoNLL-2012, such as `(0`, with a blank line only after each document.
    - `tsv`: a header, then one line per finding, with the number of its sentence from 1; positions are those of the
      JSON values.

    Raises:
        InputError: the predictions cannot be written in this format.
    """
    header: tuple[str, ...] = ()
    for number, value in enumerate(values, 1):
        if form == "jsonl":
            yield json_line(value)
        elif form == "conll":
            yield from map(tabbed, _columns(value))
            yield ""
        else:
            columns, rows = _findings(value)
            if not header:
                header = columns
                yield tabbed(header)
            yield from (tabbed((str(number), *row)) for row in rows)


def _columns(value: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """The cells of each token."""
    tokens = _tokens(value)
    if "clusters" in value:
        yield from zip(tokens, _brackets(value), strict=True)
    elif "frames" in value:
        at = [_first(value, frame) for frame in value["frames"]]
        pairs = zip(value["frames"], at, strict=True)
        columns = [_bio(value, frame["arguments"], "role", verb) for frame, verb in pairs]
        predicates = [token if place in at else "-" for place, token in enumerate(tokens)]
        yield from zip(tokens, predicates, *columns, strict=True)
    elif "tags" in value:
        yield from zip(tokens, (tag if isinstance(tag, str) else tag["tag"] for tag in value["tags"]), strict=True)
    elif "entities" in value:
        yield from zip(tokens, _bio(value, value["entities"], "type"), strict=True)
    else:
        raise InputError("--format conll: these predictions have no tags for tokens; use jsonl or tsv")


def _findings(value: Mapping[str, Any]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The header and the rows without the number of the sentence."""
    if "clusters" in value:
        header: tuple[str, ...] = ("document", "cluster", "start", "end", "text", "score")
        rows: list[tuple[str, ...]] = [
            (str(cluster), *_place(mention)) for cluster, own in enumerate(value["clusters"], 1) for mention in own
        ]
    elif "frames" in value:
        header = ("sentence", "predicate", "role", "start", "end", "text", "score")
        rows = [
            (_text(frame["predicate"], value), argument["role"], *_place(argument))
            for frame in value["frames"]
            for argument in frame["arguments"]
        ]
    elif "entities" in value:
        header = ("sentence", "type", "start", "end", "text", "score")
        rows = [(entity["type"], *_place(entity)) for entity in value["entities"]]
    elif "tags" in value:
        header = ("sentence", "token", "tag")
        rows = [(row[0], row[1]) for row in _columns(value)]
    elif "premise" in value:
        header = ("sentence", "label", "probability", "premise", "hypothesis")
        share = value["probabilities"].get(value["label"])
        texts = (" ".join(value[what]) for what in ("premise", "hypothesis"))
        rows = [(value["label"] or "", "" if share is None else f"{share:.6f}", *texts)]
    elif "label" in value:
        header = ("sentence", "label", "probability", "text")
        share = value["probabilities"].get(value["label"])
        text = value.get("text") or " ".join(_tokens(value))
        rows = [(value["label"] or "", "" if share is None else f"{share:.6f}", text)]
    else:
        raise InputError("--format tsv: the predictions of this task cannot be written as a table; use jsonl")
    return header, rows


def _tokens(value: Mapping[str, Any]) -> list[str]:
    return [token if isinstance(token, str) else token["text"] for token in value.get("tokens", ())]


def _text(predicate: Any, value: Mapping[str, Any]) -> str:
    return _tokens(value)[predicate] if isinstance(predicate, int) else str(predicate)


def _place(found: Mapping[str, Any]) -> tuple[str, ...]:
    score = found.get("score")
    return str(found["start"]), str(found["end"]), str(found["text"]), "" if score is None else f"{score:.6f}"


def _starts(value: Mapping[str, Any]) -> list[int]:
    """The start of each token, in the unit of the findings' positions: tokens, or characters of a raw text."""
    return [place if isinstance(token, str) else token["start"] for place, token in enumerate(value["tokens"])]


def _first(value: Mapping[str, Any], frame: Mapping[str, Any]) -> int:
    """The number of the token that is the predicate."""
    return _starts(value).index(frame["start"]) if "start" in frame else int(frame["index"])


def _brackets(value: Mapping[str, Any]) -> list[str]:
    """The coreference cell of each token, as in CoNLL-2012; clusters are numbered from 0."""
    starts = _starts(value)
    ranges = [
        [(starts.index(mention["start"]), sum(start < mention["end"] for start in starts)) for mention in cluster]
        for cluster in value["clusters"]
    ]
    cells = bracket_cells(ranges)
    return [cells.get(place, "-") for place in range(len(starts))]


def _bio(
    value: Mapping[str, Any], spans: Sequence[Mapping[str, Any]], label: str, verb: int | None = None
) -> list[str]:
    """One tag per token."""
    tags = ["O"] * len(value["tokens"])
    for span in spans:
        inside = [n for n, start in enumerate(_starts(value)) if span["start"] <= start < span["end"]]
        for place in inside:
            tags[place] = f"{'B' if place == inside[0] else 'I'}-{span[label]}"
    if verb is not None:
        tags[verb] = "B-V"
    return tags
