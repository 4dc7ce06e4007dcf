"""What Lightning says that helps no user of ours: its notes and four warnings, each named."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_KNOWN = (
    r".*isinstance\(treespec, LeafSpec\).*",  # Lightning 2.6 on torch 2.13
    r".*does not have many workers.*",  # batches are collated in a millisecond
    r".*Checkpoint directory .* exists and is not empty.*",  # --resume
    r".*The number of training batches .* is smaller than the logging interval.*",
    r".*`weights_only` was not set.*",
)


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Keep Lightning's notes and known warnings from the screen; everything else passes."""
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
