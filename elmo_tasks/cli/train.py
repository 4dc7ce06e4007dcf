"""`elmo-tasks train`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from elmo_tasks.cli.verb import Verbs, add_reading_options, add_threads, check_threads, reading_options, use_threads
from elmo_tasks.core.terminal import say
from elmo_tasks.embedders.registry import PROVIDERS, check_names


def add(verbs: Verbs) -> None:
    """Declare the verb."""
    known = [provider.form(name) for name, provider in PROVIDERS.items()]
    train = verbs.add_parser("train", help="train a task's model and evaluate it on dev and test")
    train.add_argument("task", metavar="TASK", help="a task's name (see `elmo-tasks list`) or the path of a task.py")
    train.add_argument(
        "--data",
        metavar="NAME|DIR",
        action="append",
        help="a name of the catalog, a folder with train, dev and test files, or a file; several are joined: A+B, or "
        "the option again (default: the sample corpus of the task inside the package)",
    )
    add_reading_options(train)
    train.add_argument("--config", metavar="FILE", type=Path, help="YAML; the task's own configuration is below it")
    train.add_argument("--embedders", metavar="NAME", nargs="+", help=" ".join(known))
    train.add_argument("--output", metavar="DIR", type=Path, help="the run's folder (default: runs/TASK-DATA-...)")
    train.add_argument("--seed", type=int, metavar="N", help="seed of everything random (default 1)")
    train.add_argument("--set", metavar="key=value", action="append", default=[], help="such as training.epochs=3")
    train.add_argument("--resume", action="store_true", help="go on with an interrupted run of the same output folder")
    train.add_argument("--overwrite", action="store_true", help="replace an earlier run's folder")
    train.add_argument("--dry-run", action="store_true", help="print the resolved configuration and stop")
    add_threads(train)
    train.set_defaults(verb=_train)


def _train(options: argparse.Namespace) -> None:
    check_threads(options.threads)
    from elmo_tasks.runs.experiment import resolve_experiment, to_yaml

    given = {key: getattr(options, key) for key in ("embedders", "seed") if getattr(options, key) is not None}
    if options.data:
        given["data"] = "+".join(options.data)
    given["reading"] = reading_options(options)
    experiment = resolve_experiment(options.task, options.config, given, options.set)
    if options.dry_run:
        for line in to_yaml(experiment).splitlines():
            say(line)
        return
    use_threads(options.threads)
    output = options.output or default_output(experiment)
    from elmo_tasks.training.train import train
    from elmo_tasks.views.plots import draw_run
    from elmo_tasks.views.summary import print_summary

    say(f"data {experiment.data}, embedders {' + '.join(experiment.embedders)}, seed {experiment.seed}, into {output}")
    if not any(provider.contextual for provider in check_names(experiment.embedders)):
        say(
            "note: no biLM among the embedders; the one inside the package is added by "
            f"--embedders elmo {' '.join(experiment.embedders)}"
        )
    outcome = train(
        experiment,
        output,
        command=options.command_line,
        resume=options.resume,
        overwrite=options.overwrite,
        tell=say,
        draw=draw_run,
    )
    print_summary(outcome.folder, outcome.metrics)


def default_output(experiment: Any) -> Path:
    """`runs/TASK-DATA-EMBEDDERS-seedN` below the current folder."""
    from elmo_tasks.data.catalog import short_name

    names = "+".join(name.replace("/", "_").replace(":", "_") for name in experiment.embedders)
    task = Path(experiment.task).parent.name if experiment.task.endswith(".py") else experiment.task
    return Path("runs") / f"{task}-{short_name(experiment.data)}-{names}-seed{experiment.seed}"
