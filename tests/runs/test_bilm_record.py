"""The record of a biLM's pre-training is checked wherever a card is written from it."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from elmo_tasks.core.errors import InputError
from elmo_tasks.elmo.weights.resolve import folder_of
from elmo_tasks.runs.bilm_record import read_bilm_record
from elmo_tasks.runs.model_card import bilm_card

SHIPPED = folder_of("shipped")
assert SHIPPED is not None
RECORD = json.loads((SHIPPED / "metrics.json").read_text(encoding="utf-8"))


def damaged(value: Any) -> Iterator[Any]:
    """The same record with one key less, or with another kind of value there, at any depth."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        less = copy.copy(value)
        del less[key]
        yield less
        for other in (None, True, -1, "x", [], {}, [1], {"a": 1}):
            changed = copy.copy(value)
            changed[key] = other
            yield changed
        for deeper in damaged(value[key]):
            changed = copy.copy(value)
            changed[key] = deeper
            yield changed


def test_a_damaged_record_is_refused_or_harmless(tmp_path: Path) -> None:
    path, refused = tmp_path / "metrics.json", 0
    for record in damaged(RECORD):
        path.write_text(json.dumps(record), encoding="utf-8")
        try:
            read = read_bilm_record(path)
        except InputError as error:
            refused += str(error).startswith(f"{path}: damaged: ")
        else:
            assert bilm_card("org/bilm", read, None).count("## Stage") == len(record.get("stages", []))
    assert refused > 100


def test_the_record_of_the_shipped_bilm_is_read() -> None:
    assert read_bilm_record(SHIPPED / "metrics.json") == RECORD  # type: ignore[operator]


@pytest.mark.parametrize("key", ["corpus_sentences", "command", "epochs", "init"])
def test_the_key_and_the_stage_are_named(key: str, tmp_path: Path) -> None:
    record = copy.deepcopy(RECORD)
    del record["stages"][1][key]
    (tmp_path / "metrics.json").write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(InputError, match=f"damaged: stage 2 has no usable '{key}'"):
        read_bilm_record(tmp_path / "metrics.json")
