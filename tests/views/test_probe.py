"""The committed records of probes, and the tables and pictures made of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from elmo_tasks.metrics.spread import spread
from elmo_tasks.views.probe import draw_probe, probe_markdown, probe_stem

RESULTS = Path(__file__).resolve().parents[2] / "results"
RECORDS = sorted(RESULTS.glob("probe-*.json"))


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_tables_and_names_are_those_of_the_records(path: Path, tmp_path: Path) -> None:
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    assert path.stem == probe_stem(record)
    assert path.with_suffix(".md").read_text(encoding="utf-8") == probe_markdown(record)
    assert path.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    assert record["bilm"]["fingerprint"] and record["command"].startswith("elmo-tasks probe ")
    draw_probe(record, tmp_path / "again.png")


def test_there_are_records() -> None:
    assert {"probe-ud-ewt-pos", "probe-sample-senses"} <= {path.stem for path in RECORDS}


def test_spread_by_hand() -> None:
    assert spread([0.5]) == "50.00"
    assert spread([0.5, 0.52]) == "51.00 ± 1.41"
