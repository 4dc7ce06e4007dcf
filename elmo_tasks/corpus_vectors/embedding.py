"""Embed a corpus of any size into a file of vectors: computed block by block and combined in order."""

from __future__ import annotations

import dataclasses
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from elmo_tasks import __version__
from elmo_tasks.core.errors import InputError
from elmo_tasks.core.files import disk_faults, standard_input
from elmo_tasks.core.memory import return_freed_memory
from elmo_tasks.core.progress import report_progress
from elmo_tasks.corpus_vectors.block_embedder import BlockEmbedder, Recipe, Vectors
from elmo_tasks.corpus_vectors.block_worker import BlockWorker
from elmo_tasks.corpus_vectors.part import has_part, read_part, write_part
from elmo_tasks.corpus_vectors.sentence_block import (
    MOST_SENTENCES,
    MOST_TOKENS,
    SentenceBlock,
    Survey,
    cut_blocks,
    survey,
)
from elmo_tasks.corpus_vectors.vector_file import check_format, open_vector_file
from elmo_tasks.corpus_vectors.work_folder import WorkFolder
from elmo_tasks.jobs.engine import LOCAL, JobEngine
from elmo_tasks.jobs.pool import Done, Pool, SerialPool, WorkerDied, run_jobs

STDIN = Path("-")

Watch = Callable[[str, int, int], None]
"""Called after each block with the stage (`computing`, `writing`), the tokens done and the total number of tokens."""


@dataclass(frozen=True)
class Embedded:
    """The work done. computed: tokens, without those of an earlier, interrupted run; seconds: time of computing."""

    files: list[Path]
    sentences: int
    tokens: int
    computed: int
    seconds: float


def embed_corpus(
    text: Path,
    output: Path,
    recipe: Recipe,
    *,
    engine: JobEngine = LOCAL,
    workers: int | None = None,
    resume: bool = False,
    overwrite: bool = False,
    encoding: str = "utf-8",
    watch: Watch = report_progress,
) -> Embedded:
    """Write the vectors of a text, one tokenised sentence per line (`-` is standard input), in the format of `output`.

    Raises:
        InputError: text, output, recipe or cluster cannot be used, the disk is full, there is an unfinished output with
            other settings, or another process is writing the output.
    """
    engine.check()
    check_format(output)
    folder = WorkFolder(output)
    with folder.claimed(resume=resume, overwrite=overwrite), disk_faults(output):
        embedder = BlockEmbedder(recipe)
        with _file_of(text, output) as path:
            origin = "standard input" if text == STDIN else str(text)
            found = survey(path, origin, encoding)
            settings = dataclasses.asdict(recipe) | {
                "fingerprint": embedder.fingerprint(),
                "text": found.digest,
                "block": [MOST_TOKENS, MOST_SENTENCES],
            }
            folder.begin(settings, resume=resume)
            started = time.perf_counter()
            computed = _compute(
                cut_blocks(path, origin, encoding), found, folder, recipe, embedder, engine, workers, watch
            )
            seconds = time.perf_counter() - started
            made = _put_together(found, folder, recipe, settings["fingerprint"], watch)
            files = folder.finish(made, overwrite=overwrite)
    return Embedded(files, found.sentences, found.tokens, computed, seconds)


def _compute(
    blocks: Iterable[SentenceBlock],
    found: Survey,
    folder: WorkFolder,
    recipe: Recipe,
    embedder: BlockEmbedder,
    engine: JobEngine,
    workers: int | None,
    watch: Watch,
) -> int:
    """Compute and write the missing parts. Returns the number of tokens computed."""
    done = 0

    def missing() -> Iterator[SentenceBlock]:
        nonlocal done
        for block in blocks:
            if has_part(folder.part(block.number), block):
                done += block.n_tokens
            else:
                yield block

    pool: Pool[SentenceBlock, Vectors]
    if engine.name == "ray":
        make = partial(BlockWorker, recipe, embedder.fingerprint())
        block_bytes = 4 * MOST_TOKENS * embedder.numbers_a_token()
        pool = engine.pool(make, workers, threads=recipe.threads, result_bytes=block_bytes)
    else:
        pool = SerialPool(lambda block: embedder.embed(block.sentences))
    computed = 0
    with pool:
        for finished in run_jobs(pool, missing()):
            block = finished.job
            write_part(folder.part(block.number), block, _vectors(finished))
            computed += block.n_tokens
            return_freed_memory()
            watch("computing", done + computed, found.tokens)
    return computed


def _vectors(finished: Done[SentenceBlock, Vectors]) -> Vectors:
    block = finished.job
    if isinstance(finished.error, WorkerDied):
        raise InputError(
            f"--engine ray: lines {block.first + 1} to {block.first + len(block.lines)}: {finished.error}; continue "
            "with --resume and fewer --workers"
        )
    return finished.result()


def _put_together(found: Survey, folder: WorkFolder, recipe: Recipe, fingerprint: str, watch: Watch) -> list[Path]:
    """Combine all parts, in order, into files in the work folder."""
    about = {
        "embedder": recipe.embedder,
        "fingerprint": fingerprint,
        "layers": recipe.layers,
        "dtype": recipe.dtype,
        "sentences": found.sentences,
        "elmo-tasks": __version__,
    }
    file, done = open_vector_file(folder.whole / folder.output.name, about), 0
    for number in range(found.blocks):
        part = read_part(folder.part(number))
        file.append(part)
        done += part.n_tokens
        watch("writing", done, found.tokens)
    return file.close()


@contextmanager
def _file_of(text: Path, output: Path) -> Iterator[Path]:
    """A file that can be read twice: standard input or a pipe is temporarily copied next to the output."""
    if text != STDIN and (text.is_file() or not text.exists()):
        yield text
        return
    if text.is_dir():
        raise InputError(f"{text}: is a folder, not a text file")
    suffix = ".text" if text == STDIN else text.suffix
    opened = nullcontext(standard_input()) if text == STDIN else text.open("rb")
    descriptor, name = tempfile.mkstemp(suffix, f".{output.name[:60]}.", output.parent)
    try:
        with os.fdopen(descriptor, "wb") as file, opened as source:
            shutil.copyfileobj(source, file)
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)
