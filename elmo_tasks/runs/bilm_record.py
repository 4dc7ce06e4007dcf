"""The record of a biLM's pre-training, which its model card is written from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.files import read_object
from elmo_tasks.runs.folder import is_number

_STAGE = {"command": str, "corpus_sha256": str, "corpus_tokens": int, "corpus_sentences": int, "config": dict}
_HELD_OUT = ("heldout_perplexity", "heldout_forward", "heldout_backward", "heldout_unknown")


def read_bilm_record(path: Path) -> dict[str, Any]:
    """The `metrics.json` of a biLM folder.

    Raises:
        InputError: the file is missing or damaged, or lacks what a model card says.
    """
    record = read_object(path, vocabulary=int)
    stages = record.get("stages", [])
    if not isinstance(stages, list) or not all(isinstance(stage, dict) for stage in stages):
        raise InputError(f"{path}: damaged: 'stages' must be a list of the runs that made this biLM")
    for number, stage in enumerate(stages, 1):
        wrong = [key for key, kind in _STAGE.items() if type(stage.get(key)) is not kind]
        if not is_number(stage.get("epochs")):
            wrong.append("epochs")
        if not isinstance(stage.get("init", 0), str | None):
            wrong.append("init")
        if not wrong and type(stage["config"].get("seed")) is not int:
            wrong.append("config.seed")
        if wrong:
            raise InputError(f"{path}: damaged: stage {number} has no usable {wrong[0]!r}")
    if _HELD_OUT[0] in record:
        for key in _HELD_OUT:
            if not is_number(record.get(key)):
                raise InputError(f"{path}: damaged: {key!r} must be a number")
    return record
