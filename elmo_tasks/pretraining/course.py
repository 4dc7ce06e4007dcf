"""The course of a pre-training run: everything that determines its next window. A resumed run must match it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.files import read_object, write_json
from elmo_tasks.pretraining.initial_weights import bilm_digest
from elmo_tasks.pretraining.settings import PretrainConfig

_MAY_CHANGE = (
    "n_epochs",
    "learning_rate",
    "warmup",
    "decay",
    "compile",
    "checkpoint_minutes",
    "checkpoint_windows",
    "heldout_windows",
)
"""Options that a resumed run may change; all others determine the next window."""
_EARLIER = {"windows_per_encoding": 1}
"""Values of options that runs of earlier versions did not store."""


def course_of(config: PretrainConfig, init: str | None) -> dict[str, Any]:
    """The part of a run's course that is known before its text is read.

    Raises:
        InputError: the biLM `init` does not exist.
    """
    course = {key: value for key, value in dataclasses.asdict(config).items() if key not in _MAY_CHANGE}
    course |= {"init": init, "init_digest": None if init is None else bilm_digest(init)}
    plain: dict[str, Any] = json.loads(json.dumps(course))
    return plain


def course_of_text(corpus_digest: str, words: Sequence[str]) -> dict[str, Any]:
    """The rest of the course: the text, and the words of the softmax."""
    digest = hashlib.sha256("\n".join(words).encode()).hexdigest()
    return {"corpus_sha256": corpus_digest, "vocabulary_sha256": digest}


def check_course(path: Path, course: dict[str, Any]) -> None:
    """Compare the course with the one stored at `path`, if any; keys missing there are not compared.

    Raises:
        InputError: the configuration, text, vocabulary or initial biLM differs.
    """
    before = _EARLIER | read_object(path) if path.exists() else {}
    for key in sorted(course.keys() & before.keys()):
        if key == "init" and course["init_digest"] == before.get("init_digest"):
            continue  # the same biLM under another name
        if course[key] != before[key]:
            raise InputError(
                f"--resume: {key} must be {before[key]!r}, as when the run began, not {course[key]!r}; "
                "pass the same --config, --corpus, --vocabulary and --init, or start again with --overwrite"
            )


def keep_course(path: Path, course: dict[str, Any]) -> None:
    """Compare the course with the stored one, or store it if there is none yet."""
    check_course(path, course)
    if not path.exists():
        write_json(path, course)
