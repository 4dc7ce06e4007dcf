"""Blocks computed by the workers of a Ray cluster. The same blocks, and so the same bytes, as in one process."""

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

_RETRIES = 3  # of a block whose worker died; what kills four workers will kill the fifth
_LOOPBACK = ("127.0.0.1", "::1")  # where Ray's servers bind to them; for any other address they bind to all interfaces
_AHEAD = 2  # blocks a worker: one that it computes, one that waits


def check_ray() -> None:
    """Raises InputError if Ray is not installed."""
    if find_spec("ray") is None:
        raise InputError(
            "--engine ray needs the package ray, which is not installed; install it with `pip install "
            "'elmo-tasks[ray]'` or choose --engine local"
        )


class Worker:
    """A BlockEmbedder in a process of the cluster, in the folder that relative paths were meant from."""

    def __init__(self, recipe: Recipe, folder: str) -> None:
        if Path(folder).is_dir():  # another machine may not have it
            os.chdir(folder)
        self._embedder = BlockEmbedder(recipe)

    def fingerprint(self) -> str:
        """Of the embedder."""
        return self._embedder.fingerprint()

    def embed(self, sentences: list[list[str]]) -> Vectors:
        """The vectors of a block."""
        return self._embedder.embed(sentences)


class RayEngine:
    """Workers on the cluster that `RAY_ADDRESS` names, or on one that is started on this machine.

    A cluster that is started here listens on 127.0.0.1 only, without a dashboard. A worker that dies is replaced, and
    its block is computed again.

    Raises:
        InputError: Ray is not installed or not there, too many workers, or a worker that has another embedder.
    """

    def __init__(self, recipe: Recipe, local: BlockEmbedder, workers: int | None) -> None:
        """local: what this process has of the same recipe; its weights must be found by every worker."""
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
                raise InputError(f"--workers: expected at most {cores}, as many as the cluster has cores, got {count}")
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
                    f"--engine ray: expected the weights of {recipe.embedder} on every machine, a worker has others; "
                    "put the same file under the same path there"
                )
        except BaseException:
            self.close()
            raise

    def compute(self, blocks: Iterable[SentenceBlock]) -> Iterator[tuple[SentenceBlock, Vectors]]:
        """Each block with its vectors, in the order in which they are done; few are in flight at a time.

        Raises:
            InputError: what a worker found fault with, or a block that keeps killing its worker.
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
        """End the workers, and the cluster if it was started here."""
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
                f"--engine ray: {what}: the worker died again and again, for lack of memory or: {reason}; give fewer "
                "--workers, then go on by --resume"
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
        except Exception as error:  # Ray raises bare ones
            reason = str(error).strip().splitlines()[0]
            raise InputError(
                f"--engine ray: expected a Ray cluster at {address or 'this machine'} ({reason}); set RAY_ADDRESS to "
                "a running one, or give --engine local"
            ) from None
