"""The benchmark: runs the unfinished cells, then writes a report on all finished ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

from rich.console import Console

from elmo_tasks.benchmark.cell import CHANGED, FINISHED, Cell, data_of
from elmo_tasks.benchmark.estimate import Timed
from elmo_tasks.benchmark.execution import Launch, run_cells
from elmo_tasks.benchmark.progress import GridProgress, print_plan
from elmo_tasks.benchmark.record import COMMAND, KIND
from elmo_tasks.benchmark.report import write_report
from elmo_tasks.core.errors import InputError
from elmo_tasks.core.files import disk_faults, remove_left_behind, write_text
from elmo_tasks.core.folders import use_folder
from elmo_tasks.core.outputs import hold, output_folder
from elmo_tasks.embedders.registry import build_inputs
from elmo_tasks.runs.folder import read_metrics
from elmo_tasks.training.resumption import data_digest
from elmo_tasks.views.tables import print_line


def benchmark(
    cells: Sequence[Cell],
    folder: Path,
    *,
    jobs: int = 1,
    baseline: Sequence[str] | None = None,
    overwrite: bool = False,
    dry_run: bool = False,
    command: str = "",
    console: Console | None = None,
    launch: Launch | None = None,
) -> None:
    """Run the unfinished cells and write the report; with `dry_run` only print what would run.

    baseline: the embedders that the report compares the others with; default `glove`.

    Raises:
        InputError: a finished cell has other settings, embedders or data and `overwrite` is not set; no cell has the
            baseline; the folder contains something else, or another process is writing it; or a cell failed (all
            others have run and the report is written).
    """
    if jobs < 1:
        raise InputError(f"--jobs must be 1 or more, not {jobs}")
    console = console or Console()
    if baseline is not None and all(cell.experiment.embedders != tuple(baseline) for cell in cells):
        there = ", ".join(dict.fromkeys(",".join(cell.experiment.embedders) for cell in cells))
        raise InputError(f"--baseline must be one of the combinations {there}, not {','.join(baseline)}")
    with nullcontext() if dry_run else claimed(folder):
        fingerprints, data = current_fingerprints(cells), current_data(cells)
        states = [cell.state(fingerprints, data) for cell in cells]
        ready = [cell for cell, state in zip(cells, states, strict=True) if state == FINISHED]
        figures = [read_metrics(cell.folder) for cell in ready]
        finished = [
            Timed(cell, float(found["seconds"]), float(found["training_seconds"]))
            for cell, found in zip(ready, figures, strict=True)
        ]
        if dry_run:
            print_plan(cells, states, finished, jobs, console)
            return
        changed = [cell.name for cell, state in zip(cells, states, strict=True) if state == CHANGED]
        if changed and not overwrite:
            raise InputError(
                f"{folder}: {len(changed)} finished cells ({', '.join(changed[:3])}, ...) were run with other "
                "settings, embedder weights or data; pass --overwrite to run them again, or choose another --output"
            )
        waiting = [cell for cell, state in zip(cells, states, strict=True) if state != FINISHED]
        write_text(folder / COMMAND, f"{command}\n")
        print_line(f"{len(cells)} cells, {len(ready)} of them finished, into {folder}", console)
        with GridProgress(waiting, finished, jobs, console) as progress:
            failures = run_cells(waiting, jobs, progress, launch)
        if len(failures) < len(cells):
            write_report(folder, baseline)
            print_line(f"report: {folder / 'report.html'}, report.md, benchmark.json", console)
    if failures:
        raise InputError(
            f"{len(failures)} of {len(cells)} cells failed, the others are finished; the first: "
            f"{failures[0].cell.name}: {failures[0].fault} (logs in {folder / 'logs'}; run the same command to try "
            "again)"
        )


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


def current_fingerprints(cells: Sequence[Cell]) -> Mapping[str, str]:
    """The current fingerprints of the embedders of the finished cells, to detect cells on former weights.

    An embedder that cannot be loaded now is left out; the cells that need it will report the reason.
    """
    found: dict[str, str] = {}
    for cell in cells:
        if (cell.folder / "metrics.json").exists():
            for name in cell.experiment.embedders:
                if name not in found:
                    try:
                        (source,) = build_inputs([name], cell.experiment.embedder_settings)
                    except InputError:
                        continue
                    found[name] = source.fingerprint
    return found


def current_data(cells: Sequence[Cell]) -> Mapping[str, str]:
    """The current digests of the data sets of the finished cells, to detect cells on changed data.

    Data that cannot be read now is left out; the cells that need it will report the reason.
    """
    found: dict[str, str] = {}
    for cell in cells:
        key = data_of(cell.experiment)
        if (cell.folder / "metrics.json").exists() and key not in found:
            try:
                found[key] = data_digest(cell.experiment)
            except InputError:
                continue
    return found
