"""The inputs of a pre-training run other than its text, checked first because reading the text may take hours."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.utilities import rank_zero_only

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.lightning_manners import quiet_lightning
from elmo_tasks.elmo.device import accelerator
from elmo_tasks.pretraining.bilm_folder import read_vocabulary, vocabulary_file
from elmo_tasks.pretraining.corpus import SPECIALS, read_sentences
from elmo_tasks.pretraining.course import course_of
from elmo_tasks.pretraining.initial_weights import check_options
from elmo_tasks.pretraining.settings import PretrainConfig

HELDOUT_SENTENCES = 500


@dataclass(frozen=True)
class Start:
    """The checked inputs.

    init: the initial biLM; words: those of the softmax, or None if the corpus determines them; heldout: the first
    sentences of the held-out text, empty without one; course: the part of the run's course that is known so far.
    """

    init: str | None
    words: list[str] | None
    heldout: list[list[str]]
    course: dict[str, Any]


def read_start(
    config: PretrainConfig,
    vocabulary: Path | None,
    init: str | None,
    heldout: Path | None,
    processes: int,
    encoding: str = "utf-8",
) -> Start:
    """Read and check the inputs.

    The words of the softmax are those of the file `vocabulary`, else those of `init`'s softmax, else the corpus's.

    Raises:
        InputError: the processes cannot share the streams evenly, the vocabulary is invalid, `init` has another
            architecture, or the held-out text cannot be read.
    """
    if config.batch_size % processes:
        raise InputError(
            f"batch_size must be a multiple of {processes}, the number of processes that share the streams, "
            f"not {config.batch_size}"
        )
    if init is not None:
        check_options(config.bilm, init)
        vocabulary = vocabulary or vocabulary_file(init)
    words = None if vocabulary is None else list(read_vocabulary(vocabulary))
    if words is not None and len(words) <= len(SPECIALS):
        raise InputError(f"{vocabulary}: contains only the special words; add at least one more word")
    first: list[list[str]] = []
    if heldout is not None:
        for sentence in read_sentences(heldout, encoding):  # to the end, so that a bad line is reported now
            if len(first) < HELDOUT_SENTENCES:
                first.append(sentence)
        if not first:
            raise InputError(f"{heldout}: contains no words; it must have tokenised sentences, one per line")
    return Start(init, words, first, course_of(config, init))


def number_of_process(devices: int, nodes: int) -> int:
    """The rank of this process among those of all machines, known before they connect.

    A Trainer takes it from torchrun, SLURM or `NODE_RANK`. `rank_zero_only.rank` at the import of Lightning ignores
    `NODE_RANK`, so one process on every machine would take itself for the first. A single process is the first,
    whichever task of SLURM it is.

    Raises:
        InputError: the devices of the machine, or the tasks of SLURM, are not those asked for.
    """
    if devices * nodes == 1:
        LightningEnvironment().set_global_rank(0)
    else:
        with quiet_lightning():
            try:
                lightning.Trainer(
                    accelerator=accelerator()[0],
                    strategy="ddp",
                    devices=devices,
                    num_nodes=nodes,
                    logger=False,
                    enable_checkpointing=False,
                    enable_progress_bar=False,
                    enable_model_summary=False,
                )
            except (MisconfigurationException, RuntimeError, ValueError) as error:
                reason = " ".join(str(error).split())[:200]
                raise InputError(f"--devices {devices} --nodes {nodes}: {reason}") from None
    return int(getattr(rank_zero_only, "rank", 0))
