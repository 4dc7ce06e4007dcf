"""The benchmark: runs the unfinished cells, then writes a report on all finished ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path

from rich.console import Console

from elmo_tasks.benchmark.cell import CHANGED, Cell
from elmo_tasks.benchmark.estimate import timed
from elmo_tasks.benchmark.execution import CellPool, Failure, cell_runner, run_cells
from elmo_tasks.benchmark.identity import find_runs, state_of
from elmo_tasks.benchmark.progress import GridProgress, print_plan
from elmo_tasks.benchmark.record import COMMAND, KIND
from elmo_tasks.benchmark.report import write_report
from elmo_tasks.core.errors import InputError
from elmo_tasks.core.files import disk_faults, remove_left_behind, write_text
from elmo_tasks.core.folders import use_folder
from elmo_tasks.core.outputs import hold, output_folder
from elmo_tasks.jobs.engine import LOCAL, JobEngine
from elmo_tasks.views.tables import print_line


def benchmark(
    cells: Sequence[Cell],
    folder: Path,
    *,
    jobs: int | None = None,
    engine: JobEngine = LOCAL,
    baseline: Sequence[str] | None = None,
    overwrite: bool = False,
    dry_run: bool = False,
    command: str = "",
    console: Console | None = None,
    pool: CellPool | None = None,
) -> None:
    """Run the unfinished cells and write the report; with `dry_run` only print what would run.

    jobs: number of runs at a time; None for one here, or for as many as the Ray cluster has cores for. They share the
    threads of this process; on Ray each has as many. pool: where cells run instead of in one that `engine` opens.
    baseline: the embedders that the report compares the others with; default `glove`.

    Raises:
        InputError: a finished cell has other settings, embedders or data and `overwrite` is not set; no cell has the
            baseline; the folder contains something else, or another process is writing it; or a cell failed (all
            others have run and the report is written).
    """
    if jobs is not None and jobs < 1:
        raise InputError(f"--jobs must be 1 or more, not {jobs}")
    console = console or Console()
    engine.check()
    if baseline is not None and all(cell.experiment.embedders != tuple(baseline) for cell in cells):
        there = ", ".join(dict.fromkeys(",".join(cell.experiment.embedders) for cell in cells))
        raise InputError(f"--baseline must be one of the combinations {there}, not {','.join(baseline)}")
    with nullcontext() if dry_run else claimed(folder):
        runs = find_runs(cells)
        states = [state_of(cell, runs) for cell in cells]
        finished = [timed(cell, runs[cell.name]) for cell in cells if cell.name in runs]
        if dry_run:
            print_plan(cells, states, finished, jobs or 1, console)
            return
        changed = [cell.name for cell, state in zip(cells, states, strict=True) if state == CHANGED]
        if changed and not overwrite:
            raise InputError(
                f"{folder}: {len(changed)} finished cells ({', '.join(changed[:3])}, ...) were run with other "
                "settings, embedder weights or data; pass --overwrite to run them again, or choose another --output"
            )
        with disk_faults(folder):
            for cell in cells:
                if (at := runs.get(cell.name, cell.folder)) != cell.folder:
                    at.rename(cell.folder)  # was named after another path of its data or embedders
        waiting = [cell for cell in cells if cell.name not in runs]
        write_text(folder / COMMAND, f"{command}\n")
        print_line(f"{len(cells)} cells, {len(finished)} of them finished, into {folder}", console)
        failures: list[Failure] = []
        if waiting:
            opened = nullcontext(pool) if pool is not None else _pool(engine, jobs)
            with opened as where, GridProgress(waiting, finished, where.limit, console) as progress:
                failures = run_cells(waiting, where, progress)
        if len(failures) < len(cells):
            write_report(folder, baseline)
            print_line(f"report: {folder / 'report.html'}, report.md, benchmark.json", console)
    if failures:
        raise InputError(
            f"{len(failures)} of {len(cells)} cells failed, the others are finished; the first: "
            f"{failures[0].cell.name}: {failures[0].fault} (logs in {folder / 'logs'}; run the same command to try "
            "again)"
        )


def _pool(engine: JobEngine, jobs: int | None) -> CellPool:
    import torch

    count = torch.get_num_threads()
    each = count if engine.name == "ray" else max(1, count // (jobs or 1))
    return engine.pool(partial(cell_runner, each), jobs, threads=each, fresh=True)


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Lock the folder of a benchmark for this process, and create it if necessary.

    Raises:
        InputError: another process is using the folder, or it contains something else.
    """
    folder = output_folder(folder)
    with hold(folder):
        use_folder(folder, KIND)
        with disk_faults(folder):
            remove_left_behind(folder)
        yield
