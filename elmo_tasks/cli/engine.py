"""The options of verbs whose jobs can run on several machines."""

from __future__ import annotations

import argparse

from elmo_tasks.cli.verb import add_hardware
from elmo_tasks.core.errors import InputError
from elmo_tasks.jobs.engine import ENGINES, JobEngine


def add_engine(verb: argparse.ArgumentParser, local: str) -> None:
    """Declare `--engine` and `--ray-address`. local: what the local engine is."""
    verb.add_argument(
        "--engine",
        choices=ENGINES,
        default="local",
        help=f"compute {local}, or on a Ray cluster (default: local)",
    )
    verb.add_argument(
        "--ray-address",
        metavar="ADDRESS",
        help="Ray cluster, such as HOST:6379 or auto (default: RAY_ADDRESS; without it, one is started that only this "
        "machine can reach)",
    )


def add_workers(verb: argparse.ArgumentParser) -> None:
    """Declare `--workers`."""
    verb.add_argument(
        "--workers", metavar="N", type=int, help="number of Ray workers (default: as many as the cores allow)"
    )


def check_workers(options: argparse.Namespace) -> None:
    """Raises InputError if `--workers` is less than 1, or there are none."""
    if options.workers is not None and options.workers < 1:
        raise InputError(f"--workers must be 1 or more, not {options.workers}")
    if options.workers is not None and options.engine != "ray":
        raise InputError("--workers only applies to --engine ray; use --threads for a single process")


def add_jobs(verb: argparse.ArgumentParser, what: str) -> None:
    """Declare `--jobs`, the engine, the device and the threads. what: what runs, in the plural."""
    verb.add_argument(
        "--jobs",
        metavar="N",
        type=int,
        help=f"{what} at a time, each in its own process (default: 1; with --engine ray as many as the cluster has "
        "cores for)",
    )
    add_engine(verb, "on this machine")
    add_hardware(
        verb, f"number of processor threads, which the {what} at a time share; with --engine ray those of each"
    )


def engine_of(options: argparse.Namespace) -> JobEngine:
    """The engine that the user chose. Raises InputError, see `JobEngine.check`."""
    engine = JobEngine(options.engine, options.ray_address)
    engine.check()
    return engine
