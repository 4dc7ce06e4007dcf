"""Jobs as tasks of a Ray cluster, which moves a task whose process or machine dies to another one."""

from __future__ import annotations

import os
import pickle
import signal
import socket
import threading
from collections.abc import Hashable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Generic, cast

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.paths import keep_ray_private, own_variables, ray_address
from elmo_tasks.jobs.pool import Closing, J, Make, R, WorkerDied
from elmo_tasks.jobs.worker import Surroundings, perform

_RETRIES = 3  # of a task whose process or machine died
_LOOPBACK = ("127.0.0.1", "::1")  # for any other address, Ray's servers bind to all interfaces
_PATIENCE = 10.0  # seconds until a machine answers
_SMALLEST_STORE = 100 << 20  # bytes of the object store of a cluster that is started here


def check_ray() -> None:
    """Raises InputError if Ray is not installed."""
    if find_spec("ray") is None:
        raise InputError(
            "--engine ray needs the package ray, which is not installed; install it with `pip install "
            "'elmo-tasks[ray]'` or choose --engine local"
        )


class RayPool(Closing, Generic[J, R]):
    """Tasks on the cluster at an address, or on one that is started on this machine.

    A cluster started here only listens on 127.0.0.1 and has no dashboard. Tasks rather than actors, so that a job never
    waits for a certain machine, and machines that join the cluster later take jobs too.

    Args:
        make: makes the function for the jobs.
        workers: number of jobs at a time; None for as many as the cores of the cluster allow.
        threads: number of cores for each job.
        fresh: whether every job has a new process.
        address: of the cluster; None for `$RAY_ADDRESS`.
        result_bytes: size of a result, for the memory of a cluster that is started here.

    Raises:
        InputError: Ray is not installed or not running, or there are too many workers.
    """

    def __init__(
        self,
        make: Make[J, R],
        workers: int | None = None,
        *,
        threads: int = 1,
        fresh: bool = False,
        address: str | None = None,
        result_bytes: int = 0,
    ) -> None:
        check_ray()
        address = address or ray_address()
        keep_ray_private(starts=address is None)
        import ray

        self._ray, self._started = ray, not ray.is_initialized()
        self._doing = set[Any]()
        if self._started:
            self._start(address, workers, result_bytes)
        try:
            nodes: list[Any] = [node for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
            cores = [int(node["Resources"].get("CPU", 0)) for node in nodes]
            if workers is not None and workers > sum(cores):
                raise InputError(
                    f"--workers must be at most {sum(cores)}, the number of cores of the cluster, not {workers}"
                )
            each = max(1, min(threads, max(cores), sum(cores) // (workers or 1)))
            self.limit = workers or max(1, sum(count // each for count in cores))
            self._perform: Any = ray.remote(
                num_cpus=each,
                max_retries=_RETRIES,
                max_calls=1 if fresh else 0,
                scheduling_strategy="SPREAD",
            )(perform)
            self._made: Any = ray.put(pickle.dumps(make))
            self._around = Surroundings(str(Path.cwd()), own_variables())
        except BaseException:
            self.close()
            raise

    def start(self, job: J) -> Hashable:
        """Submit a task."""
        reference = self._perform.remote(self._made, job, self._around)
        self._doing.add(reference)
        return cast(Hashable, reference)

    def wait(self, seconds: float) -> list[Hashable]:
        """The references of the tasks that have ended."""
        done, _ = self._ray.wait(list(self._doing), num_returns=1, timeout=seconds)
        return list(done)

    def result(self, handle: Hashable) -> R:
        """The result of a task. Raises WorkerDied if Ray has given it up after several attempts."""
        self._doing.discard(handle)
        errors = self._ray.exceptions
        try:
            return cast(R, self._ray.get(cast(Any, handle)))
        except errors.RayTaskError as error:
            if isinstance(error.cause, InputError):
                raise type(error.cause)(str(error.cause)) from None
            raise
        except errors.RayError as error:
            raise WorkerDied(
                f"the worker died {_RETRIES + 1} times ({_last_line(error)}), perhaps for lack of memory; try fewer "
                "jobs at a time"
            ) from None

    def close(self) -> None:
        """Stop the tasks, and the cluster if it was started here."""
        for reference in self._doing:
            self._ray.cancel(reference, force=True)
        self._doing.clear()
        if self._started:
            self._ray.shutdown()

    def _start(self, address: str | None, workers: int | None, result_bytes: int) -> None:
        here: Any = self._ray.util.get_node_ip_address  # untyped
        if address is None and here() not in _LOOPBACK:
            raise InputError(
                "--engine ray: this program imported Ray before, so its servers would listen on every network "
                "interface; start Ray with `ray.init` first, or set RAY_ADDRESS to a running cluster"
            )
        options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
        if address is None:
            cores = max(os.cpu_count() or 1, workers or 1)
            memory = max(_SMALLEST_STORE, 3 * cores * result_bytes)
            options |= {"num_cpus": cores, "object_store_memory": memory, "include_dashboard": False}
        handler = signal.getsignal(signal.SIGTERM)
        wrong = "there is no Ray cluster at", "start one with `ray start --head`, correct the address"
        try:
            found = _knock(address)
            if found is not None:
                wrong = (
                    "cannot connect to the Ray cluster at",
                    "use the same versions of Ray and Python there, set RAY_AUTH_MODE=token if it asks for a token",
                )
            self._ray.init(address=found or address or "local", **options)
        except Exception as error:  # Ray raises bare exceptions
            raise InputError(
                f"--engine ray: {wrong[0]} {address or 'this machine'} ({_first_line(error)}); {wrong[1]}, or choose "
                "--engine local"
            ) from None
        finally:
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGTERM, handler)  # Ray's own ends the program without a word


def _knock(address: str | None) -> str | None:
    """The address `HOST:PORT` with the number of the host in place of its name, or None for any other address.

    Ray asks the name server for a host, and so does not know the names that only this machine does.

    Raises:
        OSError: nothing answers there, which Ray would try for minutes.
    """
    host, _, port = (address or "").rpartition(":")
    if not host or not port.isdecimal() or "/" in host:
        return None
    with socket.create_connection((host.strip("[]"), int(port)), _PATIENCE) as connected:
        number, port = connected.getpeername()[:2]
        return f"[{number}]:{port}" if ":" in number else f"{number}:{port}"


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _last_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[-1].strip()
