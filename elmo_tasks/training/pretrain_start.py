"""What a pre-training run starts from besides its text: read and checked before the text, which takes hours."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elmo_tasks.data.corpus import SPECIALS
from elmo_tasks.errors import InputError
from elmo_tasks.training.bilm_evaluation import read_sentences
from elmo_tasks.training.bilm_folder import read_vocabulary, vocabulary_file
from elmo_tasks.training.bilm_start import check_options
from elmo_tasks.training.pretrain_config import PretrainConfig
from elmo_tasks.training.pretrain_course import course_of

HELDOUT_SENTENCES = 500


@dataclass(frozen=True)
class Start:
    """init: the biLM to start from; words: of the softmax, none where the corpus decides; heldout: the first sentences
    of the held-out text, none without one; course: what is known of the run's course."""

    init: str | None
    words: list[str] | None
    heldout: list[list[str]]
    course: dict[str, Any]


def read_start(
    config: PretrainConfig, vocabulary: Path | None, init: str | None, heldout: Path | None, processes: int
) -> Start:
    """Read it.

    The words of the softmax are those of the file `vocabulary`, else those of `init`'s softmax, else the corpus's.

    Raises:
        InputError: streams that the processes cannot share evenly, a bad vocabulary, `init` of another architecture, or
            held-out text that cannot be read.
    """
    if config.batch_size % processes:
        raise InputError(
            f"batch_size: expected a multiple of the {processes} processes that share the streams, "
            f"got {config.batch_size}"
        )
    if init is not None:
        check_options(config.bilm, init)
        vocabulary = vocabulary or vocabulary_file(init)
    words = None if vocabulary is None else list(read_vocabulary(vocabulary))
    if words is not None and len(words) <= len(SPECIALS):
        raise InputError(f"{vocabulary}: expected a word below the specials, got none")
    first: list[list[str]] = []
    if heldout is not None:
        for sentence in read_sentences(heldout):  # to its end, so that a bad line is told of now
            if len(first) < HELDOUT_SENTENCES:
                first.append(sentence)
        if not first:
            raise InputError(f"{heldout}: expected tokenised sentences, got no word at all")
    return Start(init, words, first, course_of(config, init))
