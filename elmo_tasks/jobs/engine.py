"""The choice between the pools."""

from __future__ import annotations

from dataclasses import dataclass

from elmo_tasks.core.errors import InputError
from elmo_tasks.jobs.pool import J, Make, Pool, R

ENGINES = ("local", "ray")


@dataclass(frozen=True)
class JobEngine:
    """Where jobs run: `local`, in processes of this machine, or `ray`. address: of the cluster, or None."""

    name: str = "local"
    address: str | None = None

    def check(self) -> None:
        """Raises InputError if there is no such engine, if it is not installed, or if `local` has an address."""
        if self.name not in ENGINES:
            raise InputError(f"--engine must be one of {', '.join(ENGINES)}, not {self.name!r}")
        if self.name == "ray":
            from elmo_tasks.jobs.ray_pool import check_ray

            check_ray()
        elif self.address is not None:
            raise InputError("--ray-address only applies to --engine ray; add it, or leave the address out")

    def pool(
        self, make: Make[J, R], workers: int | None, *, threads: int = 1, fresh: bool = False, result_bytes: int = 0
    ) -> Pool[J, R]:
        """Open a pool; see `LocalPool` and `RayPool`. workers: None for one process here, or for the whole cluster."""
        if self.name == "ray":
            from elmo_tasks.jobs.ray_pool import RayPool

            options = {"threads": threads, "fresh": fresh, "address": self.address, "result_bytes": result_bytes}
            return RayPool(make, workers, **options)  # type: ignore[arg-type]
        from elmo_tasks.jobs.local_pool import LocalPool

        return LocalPool(make, workers or 1, fresh=fresh)


LOCAL = JobEngine()
