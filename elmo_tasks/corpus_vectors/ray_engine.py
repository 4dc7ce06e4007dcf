"""Compute blocks with the workers of a Ray cluster. The blocks, and thus the bytes, are the same as in one process."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.paths import keep_ray_private, ray_address
from elmo_tasks.corpus_vectors.block_embedder import BlockEmbedder, Recipe, Vectors
from elmo_tasks.corpus_vectors.sentence_block import MOST_TOKENS, SentenceBlock

_RETRIES = 3  # retries of a block whose worker died
_LOOPBACK = ("127.0.0.1", "::1")  # for any other address, Ray's servers bind to all interfaces
_AHEAD = 2  # blocks per worker: one that it computes and one that waits


def check_ray() -> None:
    """Raises InputError if Ray is not installed."""
    if find_spec("ray") is None:
        raise InputError(
            "--engine ray needs the package ray, which is not installed; install it with `pip install "
            "'elmo-tasks[ray]'` or choose --engine local"
        )


class Worker:
    """A BlockEmbedder in a process of the cluster, with the same current folder for relative paths."""

    def __init__(self, recipe: Recipe, folder: str) -> None:
        if Path(folder).is_dir():  # another machine may not have it
            os.chdir(folder)
        self._embedder = BlockEmbedder(recipe)

    def fingerprint(self) -> str:
        """The fingerprint of the embedder."""
        return self._embedder.fingerprint()

    def embed(self, sentences: list[list[str]]) -> Vectors:
        """The vectors of a block."""
        return self._embedder.embed(sentences)


class RayEngine:
    """Workers on the cluster at `RAY_ADDRESS`, or on one started on this machine.

    A cluster started here only listens on 127.0.0.1 and has no dashboard. A worker that dies is replaced, and its block
    is computed again.

    Raises:
        InputError: Ray is not installed or not running, there are too many workers, or a worker has another embedder.
    """

    def __init__(self, recipe: Recipe, local: BlockEmbedder, workers: int | None) -> None:
        """local: the embedder of the same recipe in this process; every worker must have the same weights."""
        keep_ray_private()
        check_ray()
        import ray

        self._ray, self._started = ray, not ray.is_initialized()
        if self._started:
            block_bytes = 4 * MOST_TOKENS * local.numbers_a_token()
            self._start(workers, block_bytes)
        try:
            resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
            cores = int(resources.get("CPU", 0))
            count = workers or max(1, cores // recipe.threads)
            if count > cores:
                raise InputError(f"--workers must be at most {cores}, the number of cores of the cluster, not {count}")
            worker: Any = ray.remote(
                num_cpus=max(1, min(recipe.threads, cores // count)),
                max_restarts=-1,
                max_task_retries=_RETRIES,
                scheduling_strategy="SPREAD",
            )(Worker)
            self._workers: list[Any] = [worker.remote(recipe, str(Path.cwd())) for _ in range(count)]
            others = self._get([each.fingerprint.remote() for each in self._workers])
            if set(others) != {local.fingerprint()}:
                raise InputError(
                    f"--engine ray: a worker has other weights of {recipe.embedder}; put the same file under the same "
                    "path on every machine"
                )
        except BaseException:
            self.close()
            raise

    def compute(self, blocks: Iterable[SentenceBlock]) -> Iterator[tuple[SentenceBlock, Vectors]]:
        """Yield each block with its vectors, in the order of completion; only a few are in progress at a time.

        Raises:
            InputError: a worker raised it, or a block repeatedly kills its worker.
        """
        free = self._workers * _AHEAD
        doing: dict[Any, tuple[Any, SentenceBlock]] = {}
        for block in blocks:
            if not free:
                yield self._next(doing, free)
            worker = free.pop(0)
            doing[worker.embed.remote(block.sentences)] = (worker, block)
        while doing:
            yield self._next(doing, free)

    def close(self) -> None:
        """Stop the workers, and the cluster if it was started here."""
        if self._started:
            self._ray.shutdown()
        else:
            for worker in getattr(self, "_workers", []):
                self._ray.kill(worker)

    def _next(self, doing: dict[Any, tuple[Any, SentenceBlock]], free: list[Any]) -> tuple[SentenceBlock, Vectors]:
        (done,), _ = self._ray.wait(list(doing), num_returns=1)
        worker, block = doing.pop(done)
        free.append(worker)
        lines = f"lines {block.first + 1} to {block.first + len(block.lines)}"
        vectors: Vectors = self._get(done, lines)
        return block, vectors

    def _get(self, references: Any, what: str = "loading the embedder") -> Any:
        try:
            return self._ray.get(references)
        except self._ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, InputError):
                raise InputError(str(error.cause)) from None
            raise
        except self._ray.exceptions.RayActorError as error:
            reason = str(error).strip().splitlines()[-1].strip()
            if "creation task" in str(error):
                raise InputError(
                    f"--engine ray: a worker cannot load the embedder ({reason}); its files and this package must be "
                    "under the same path on every machine"
                ) from None
            raise InputError(
                f"--engine ray: {what}: the worker died repeatedly ({reason}), perhaps for lack of memory; continue "
                "with --resume and fewer --workers"
            ) from None

    def _start(self, workers: int | None, block_bytes: int) -> None:
        address = ray_address()
        here: Any = self._ray.util.get_node_ip_address  # untyped
        if address is None and here() not in _LOOPBACK:
            raise InputError(
                "--engine ray: this program imported Ray before, so its servers would listen on every network "
                "interface; start Ray with `ray.init` first, or set RAY_ADDRESS to a running cluster"
            )
        options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
        if address is None:
            cores = max(os.cpu_count() or 1, workers or 1)
            memory = max(200 << 20, (_AHEAD + 1) * cores * block_bytes)
            options |= {"num_cpus": cores, "object_store_memory": memory, "include_dashboard": False}
        try:
            self._ray.init(address=address or "local", **options)
        except Exception as error:  # Ray raises bare exceptions
            reason = str(error).strip().splitlines()[0]
            raise InputError(
                f"--engine ray: there is no Ray cluster at {address or 'this machine'} ({reason}); set RAY_ADDRESS to "
                "a running one, or choose --engine local"
            ) from None
