"""The records in results/ are of the biLM that the package ships, and so are the taggers inside it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from elmo_tasks.embedders.registry import build_inputs
from elmo_tasks.runs.shipped import tagger_folder, tagger_names

ROOT = Path(__file__).parents[2]
RECORDS = sorted((ROOT / "results").glob("*.json"))
_FINGERPRINT = re.compile(r"elmo-[0-9a-f]{32}")


@pytest.fixture(scope="module")
def shipped() -> str:
    (made,) = build_inputs(["elmo"])
    found = _FINGERPRINT.match(made.fingerprint)
    assert found is not None
    return found[0]


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.name)
def test_records_are_of_the_bilm_in_the_package(path: Path, shipped: str) -> None:
    assert set(_FINGERPRINT.findall(path.read_text(encoding="utf-8"))) <= {shipped}


def test_taggers_are_of_the_bilm_in_the_package(shipped: str) -> None:
    for name in tagger_names():
        folder = tagger_folder(name)
        assert folder is not None
        fingerprints = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))["fingerprints"]
        assert fingerprints["elmo"].startswith(shipped)
