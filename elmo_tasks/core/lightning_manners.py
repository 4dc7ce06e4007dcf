"""Make Lightning's loops suppress irrelevant messages, and react to interruptions like any other program."""

from __future__ import annotations

import logging
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_KNOWN = (
    r".*isinstance\(treespec, LeafSpec\).*",  # Lightning 2.6 on torch 2.13
    r".*does not have many workers.*",  # batches are collated in a millisecond
    r".*Checkpoint directory .* exists and is not empty.*",  # --resume
    r".*The number of training batches .* is smaller than the logging interval.*",
    r".*`weights_only` was not set.*",
    r".*`srun` command is available on your system but is not used.*",  # on machines of a SLURM cluster
)


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Suppress Lightning's notes and known warnings; everything else is shown."""
    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            for message in _KNOWN:
                warnings.filterwarnings("ignore", message=message)
            yield
    finally:
        logger.setLevel(level)


@contextmanager
def interruptible(trainer: Any) -> Iterator[None]:
    """Use around `fit` of a `lightning.Trainer`, so that an interruption raises KeyboardInterrupt as anywhere else.

    Otherwise Lightning (2.6) exits the process itself, with code 1 for a KeyboardInterrupt and 0 for SIGTERM, and
    Ctrl-C has no effect from then on.

    Raises:
        KeyboardInterrupt: interrupted.
    """
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit as end:
        if not trainer.interrupted:
            raise
        signal.signal(signal.SIGINT, handler)
        raised = end.__context__
        raise (raised if isinstance(raised, KeyboardInterrupt) else KeyboardInterrupt()) from None
