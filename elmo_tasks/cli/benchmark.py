"""`elmo-tasks benchmark`."""

from __future__ import annotations

import argparse
from pathlib import Path

from elmo_tasks.cli.verb import Verbs, add_threads, use_threads
from elmo_tasks.core.terminal import say


def add(verbs: Verbs) -> None:
    """Declare the verb."""
    benchmark = verbs.add_parser(
        "benchmark", help="train a grid of tasks, embedders and seeds; compare them in a report"
    )
    benchmark.add_argument("tasks", metavar="TASK", nargs="*", help="default: every task of the package")
    benchmark.add_argument(
        "--embedders",
        metavar="NAMES",
        nargs="+",
        default=["glove", "glove,chars", "elmo", "elmo,glove,chars"],
        help="a row each; a comma concatenates (default: glove glove,chars elmo elmo,glove,chars)",
    )
    benchmark.add_argument("--seeds", metavar="N", type=int, default=3, help="seeds 1 to N (default 3)")
    benchmark.add_argument(
        "--data",
        metavar="TASK=NAME",
        nargs="+",
        default=[],
        help="such as ner=conll2003; a task may be named several times, once a data set (default: the sample corpora "
        "inside the package)",
    )
    benchmark.add_argument("--output", metavar="DIR", type=Path, default=Path("runs/benchmark"))
    benchmark.add_argument(
        "--fractions",
        metavar="P",
        nargs="+",
        type=float,
        default=[100.0],
        help="per cent of the training data, each a run of its own, such as 1 3 10 30 100 (default 100)",
    )
    benchmark.add_argument(
        "--baseline", metavar="NAMES", help="the row that the report measures the others against (default: glove)"
    )
    benchmark.add_argument(
        "--config", metavar="TASK=FILE", nargs="+", default=[], help="such as sentiment=configs/sst5-bcn.yaml"
    )
    benchmark.add_argument("--jobs", metavar="N", type=int, default=1, help="runs at a time; they share the threads")
    add_threads(benchmark, "processor threads, which the runs at a time share (default: one per core)")
    benchmark.add_argument(
        "--set", metavar="key=value", action="append", default=[], help="for every run; TASK.key=value for one task's"
    )
    benchmark.add_argument(
        "--overwrite", action="store_true", help="run cells anew whose settings, weights or data changed"
    )
    benchmark.add_argument("--dry-run", action="store_true", help="list the cells, their state and the time they take")
    benchmark.add_argument(
        "--report-only", action="store_true", help="write the report of what is finished in --output"
    )
    benchmark.set_defaults(verb=_benchmark)


def _benchmark(options: argparse.Namespace) -> None:
    from elmo_tasks.benchmark.grid import build_grid, split_embedders

    baseline = split_embedders(options.baseline, "--baseline") if options.baseline else None
    if options.report_only:
        from elmo_tasks.benchmark.report import renew_report

        renew_report(options.output, baseline)
        say(f"report: {options.output / 'report.html'}, report.md, benchmark.json")
        return
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
        baseline=baseline,
        overwrite=options.overwrite,
        dry_run=options.dry_run,
        command=options.command_line,
    )
