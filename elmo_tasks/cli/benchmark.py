"""`elmo-tasks benchmark`."""

from __future__ import annotations

import argparse
from pathlib import Path

from elmo_tasks.cli.engine import add_jobs, engine_of
from elmo_tasks.cli.verb import Verbs, add_verb, use_threads
from elmo_tasks.core.terminal import is_quiet, remark


def add(verbs: Verbs) -> None:
    """Declare the verb."""
    benchmark = add_verb(
        verbs,
        "benchmark",
        "train a grid of tasks, embedders and seeds, and compare them in a report",
        (
            "benchmark ner sentiment --seeds 1",
            "benchmark ner --data ner=conll2003 --embedders glove elmo elmo,glove,chars --fractions 10 100",
            "benchmark ner --dry-run",
        ),
    )
    benchmark.add_argument(
        "tasks", metavar="TASK", nargs="*", help="tasks to train (default: every task of the package)"
    )
    benchmark.add_argument(
        "--embedders",
        metavar="NAMES",
        nargs="+",
        default=["glove", "glove,chars", "elmo", "elmo,glove,chars"],
        help="one row each; commas join embedders (default: glove glove,chars elmo elmo,glove,chars)",
    )
    benchmark.add_argument("--seeds", metavar="N", type=int, default=3, help="train seeds 1 to N (default: 3)")
    benchmark.add_argument(
        "--data",
        metavar="TASK=NAME",
        nargs="+",
        default=[],
        help="data set of a task, such as ner=conll2003; name a task several times to train on several data sets "
        "(default: the sample corpora inside the package)",
    )
    benchmark.add_argument(
        "-o",
        "--output",
        metavar="DIR",
        type=Path,
        default=Path("runs/benchmark"),
        help="folder of the runs and of the report (default: runs/benchmark)",
    )
    benchmark.add_argument(
        "--fractions",
        metavar="P",
        nargs="+",
        type=float,
        default=[100.0],
        help="percentages of the training data to train on, such as 1 3 10 30 100 (default: 100)",
    )
    benchmark.add_argument(
        "--baseline", metavar="NAMES", help="the row with which the report compares the others (default: glove)"
    )
    benchmark.add_argument(
        "--config",
        metavar="TASK=FILE",
        nargs="+",
        default=[],
        help="configuration of a task, such as sentiment=configs/sst5-bcn.yaml (default: the task's own)",
    )
    add_jobs(benchmark, "runs")
    benchmark.add_argument(
        "--set",
        metavar="key=value",
        action="append",
        default=[],
        help="set a key of the configuration of every run, or of those of one task by TASK.key=value; may be repeated "
        "(default: none)",
    )
    benchmark.add_argument(
        "--overwrite", action="store_true", help="run cells again whose settings, weights or data have changed"
    )
    benchmark.add_argument(
        "--dry-run", action="store_true", help="list the cells and their state, and estimate how long they take"
    )
    benchmark.add_argument(
        "--report-only", action="store_true", help="write the report on the finished cells in the output folder"
    )
    benchmark.set_defaults(verb=_benchmark)


def _benchmark(options: argparse.Namespace) -> None:
    from elmo_tasks.benchmark.grid import build_grid, split_embedders

    baseline = split_embedders(options.baseline, "--baseline") if options.baseline else None
    if options.report_only:
        from elmo_tasks.benchmark.report import renew_report

        renew_report(options.output, baseline)
        remark(f"report: {options.output / 'report.html'}, report.md, benchmark.json")
        return
    from rich.console import Console

    from elmo_tasks.benchmark.run import benchmark
    from elmo_tasks.core.paths import task_names

    use_threads(options.threads)
    cells = build_grid(
        options.tasks or task_names(),
        embedders=options.embedders,
        seeds=options.seeds,
        fractions=options.fractions,
        data=options.data,
        settings=options.set,
        output=options.output,
        configs=options.config,
    )
    benchmark(
        cells,
        options.output,
        jobs=options.jobs,
        engine=engine_of(options),
        baseline=baseline,
        overwrite=options.overwrite,
        dry_run=options.dry_run,
        command=options.command_line,
        console=Console(quiet=is_quiet() and not options.dry_run),
    )
