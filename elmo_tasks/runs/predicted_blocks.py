"""Predict the lines of a text by the jobs of a pool, in order, with a bounded number of blocks in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elmo_tasks.core.errors import InputError
from elmo_tasks.jobs.engine import JobEngine
from elmo_tasks.jobs.pool import WorkerDied, run_jobs
from elmo_tasks.runs.predict import check_probabilities, predict_lines
from elmo_tasks.runs.store import load_trained
from elmo_tasks.text.tokens import split_tokens

BLOCK_TOKENS = 1 << 14
"""Tokens of a block: some seconds of work, and at most a few megabytes of results."""
_AHEAD = 4  # blocks that may be done before an earlier one, so that no worker waits for it


@dataclass(frozen=True)
class LineBlock:
    """Consecutive lines of a text. first: the number of the first, from 1."""

    first: int
    lines: tuple[str, ...]


@dataclass(frozen=True)
class BlockPredictor:
    """Makes the function that predicts blocks, with a run that each process loads once; see `predict`."""

    folder: Path
    origin: str
    probabilities: bool
    task_file: str | Path | None
    trust: bool
    threads: int

    def __call__(self) -> PredictBlock:
        """Load the run. Raises InputError if it cannot be loaded."""
        return PredictBlock(self)


class PredictBlock:
    """Predicts blocks of lines."""

    def __init__(self, made: BlockPredictor) -> None:
        import torch

        torch.set_num_threads(made.threads)
        self._made = made
        self._trained = load_trained(made.folder, task_file=made.task_file, trust=made.trust)
        if self._trained.task.document is not None:
            raise InputError(
                f"--engine ray predicts lines one by one, but a run of {self._trained.task.name} reads documents; "
                "choose --engine local"
            )
        if made.probabilities:
            check_probabilities(self._trained)

    def __call__(self, block: LineBlock) -> list[dict[str, Any]]:
        """One result per line. Raises InputError if a line cannot be read."""
        made = self._made
        return list(
            predict_lines(
                self._trained, block.lines, origin=made.origin, first=block.first, probabilities=made.probabilities
            )
        )


def predict_blocks(
    predictor: BlockPredictor, lines: Iterable[str], engine: JobEngine, workers: int | None = None
) -> Iterator[dict[str, Any]]:
    """Yield what `predict` yields for these lines, computed by the processes of an engine.

    Lines are read when a worker needs them, and results are kept only until those before them have been yielded.

    Raises:
        InputError: as `predict`, or the engine cannot be used, or a block repeatedly kills its worker.
    """
    with engine.pool(predictor, workers, threads=predictor.threads) as pool:
        for done in run_jobs(pool, cut_lines(lines), in_order=True, ahead=_AHEAD):
            if isinstance(done.error, WorkerDied):
                first, last = done.job.first, done.job.first + len(done.job.lines) - 1
                raise InputError(f"{predictor.origin}: lines {first} to {last}: {done.error}")
            yield from done.result()


def cut_lines(lines: Iterable[str]) -> Iterator[LineBlock]:
    """Cut lines into blocks of at most `BLOCK_TOKENS` tokens; a longer line is a block of its own."""
    waiting: list[str] = []
    first, tokens = 1, 0
    for line in lines:
        own = len(split_tokens(line))
        if waiting and tokens + own > BLOCK_TOKENS:
            yield LineBlock(first, tuple(waiting))
            first, tokens = first + len(waiting), 0
            waiting.clear()
        waiting.append(line)
        tokens += own
    if waiting:
        yield LineBlock(first, tuple(waiting))
