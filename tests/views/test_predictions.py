"""The forms of predictions, from the values of every kind of task."""

from __future__ import annotations

from typing import Any

import pytest

from elmo_tasks.core.errors import InputError
from elmo_tasks.text.described import describe_frames, describe_label, describe_spans, describe_tags
from elmo_tasks.views.predictions import prediction_lines

TOKENS = ["Ada", "saw", "New", "York"]
RAW: dict[str, Any] = {
    "tokens": [{"text": text, "start": start} for text, start in zip(TOKENS, (10, 14, 18, 22), strict=True)],
}


def lines(value: dict[str, Any], form: str) -> list[str]:
    return list(prediction_lines([value], form))


def test_entities() -> None:
    value = describe_spans(TOKENS, ["B-PER", "O", "B-LOC", "I-LOC"])
    columns = ["Ada\tB-PER", "saw\tO", "New\tB-LOC", "York\tI-LOC", ""]
    assert lines(value, "conll") == columns
    header = "sentence\ttype\tstart\tend\ttext\tscore"
    assert lines(value, "tsv") == [header, "1\tPER\t0\t1\tAda\t", "1\tLOC\t2\t4\tNew York\t"]
    found = [{"type": "PER", "start": 10, "end": 13, "text": "Ada", "score": 0.5}]
    found += [{"type": "LOC", "start": 18, "end": 26, "text": "New\tYork"}]
    assert lines(RAW | {"entities": found}, "conll") == columns
    assert lines(RAW | {"entities": found}, "tsv")[1:] == [
        "1\tPER\t10\t13\tAda\t0.500000",
        "1\tLOC\t18\t26\tNew\\tYork\t",
    ]


def test_roles() -> None:
    columns = ["Ada\t-\tB-A0", "saw\tsaw\tB-V", "New\t-\tB-A1", "York\t-\tI-A1", ""]
    value = describe_frames(TOKENS, [(1, ["B-A0", "B-V", "B-A1", "I-A1"])])
    assert lines(value, "conll") == columns
    header = "sentence\tpredicate\trole\tstart\tend\ttext\tscore"
    assert lines(value, "tsv") == [header, "1\tsaw\tA0\t0\t1\tAda\t", "1\tsaw\tA1\t2\t4\tNew York\t"]
    arguments = [
        {"role": "A0", "start": 10, "end": 13, "text": "Ada"},
        {"role": "A1", "start": 18, "end": 26, "text": "New York"},
    ]
    raw = RAW | {"frames": [{"predicate": "saw", "start": 14, "end": 17, "arguments": arguments}]}
    assert lines(raw, "conll") == columns


def test_labels() -> None:
    assert lines(describe_tags(["a", "b"], ["X", "Y"]), "tsv") == ["sentence\ttoken\ttag", "1\ta\tX", "1\tb\tY"]
    value = describe_label(["so", "good"], {"bad": 0.25, "fine": 0.75})
    assert lines(value, "tsv") == ["sentence\tlabel\tprobability\ttext", "1\tfine\t0.750000\tso good"]
    assert lines(describe_label([], {}), "tsv")[1] == "1\t\t\t"
    with pytest.raises(InputError, match="--format conll: these predictions have no tags for tokens; use jsonl or tsv"):
        lines(value, "conll")
    with pytest.raises(InputError, match="cannot be written as a table; use jsonl"):
        lines({"found": {}}, "tsv")
