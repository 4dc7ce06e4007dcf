"""`elmo-tasks train`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from elmo_tasks.cli.verb import (
    Verbs,
    add_hardware,
    add_reading_options,
    add_verb,
    check_threads,
    reading_options,
    use_threads,
)
from elmo_tasks.core.terminal import remark, say
from elmo_tasks.embedders.registry import PROVIDERS, check_names
from elmo_tasks.training.loggers import LOGGERS, check_loggers


def add(verbs: Verbs) -> None:
    """Declare the verb."""
    train = add_verb(
        verbs,
        "train",
        "train a model for a task and evaluate it on dev and test",
        (
            "train ner",
            "train ner --data conll2003 --embedders elmo glove chars --seed 2",
            "train sentiment --data reviews/ --set training.epochs=3 -o runs/reviews",
        ),
    )
    train.add_argument("task", metavar="TASK", help="name of a task (see `elmo-tasks list`) or path of a task.py")
    train.add_argument(
        "--data",
        metavar="NAME|DIR",
        action="append",
        help="data set of the catalog, folder with train, dev and test files, or file; join several by A+B or by "
        "repeating the option (default: the sample corpus of the task inside the package)",
    )
    add_reading_options(train)
    train.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        help="YAML file with settings, or name of one in the package (default: the configuration of the task)",
    )
    forms = ", ".join(provider.form(name) for name, provider in PROVIDERS.items())
    train.add_argument(
        "--embedders",
        metavar="NAME",
        nargs="+",
        help=f"embedders to concatenate, of {forms} (default: those of the configuration)",
    )
    train.add_argument(
        "-o",
        "--output",
        metavar="DIR",
        type=Path,
        help="folder of the run (default: runs/TASK-DATA-EMBEDDERS-seedN)",
    )
    train.add_argument(
        "--seed", type=int, metavar="N", help="seed of all random numbers (default: that of the configuration, 1)"
    )
    train.add_argument(
        "--set",
        metavar="key=value",
        action="append",
        default=[],
        help="set a key of the configuration, such as training.epochs=3; may be repeated (default: none)",
    )
    train.add_argument(
        "--logger",
        choices=LOGGERS,
        action="append",
        default=[],
        help="also log loss, dev score and learning rate of each epoch with this logger; may be repeated (default: "
        "only epochs.csv)",
    )
    train.add_argument("--resume", action="store_true", help="continue the interrupted run in the output folder")
    train.add_argument("--overwrite", action="store_true", help="replace an earlier run in the output folder")
    train.add_argument("--dry-run", action="store_true", help="print the resolved configuration and stop")
    add_hardware(train)
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
    check_loggers(options.logger)
    use_threads(options.threads)
    output = options.output or default_output(experiment)
    from elmo_tasks.training.train import train
    from elmo_tasks.views.plots import draw_run
    from elmo_tasks.views.summary import print_summary

    names = " + ".join(experiment.embedders)
    remark(f"data {experiment.data}, embedders {names}, seed {experiment.seed}, into {output}")
    if not any(provider.contextual for provider in check_names(experiment.embedders)):
        remark(
            "note: there is no biLM among the embedders; add the one in the package with "
            f"--embedders elmo {' '.join(experiment.embedders)}"
        )
    outcome = train(
        experiment,
        output,
        command=options.command_line,
        resume=options.resume,
        overwrite=options.overwrite,
        loggers=options.logger,
        tell=remark,
        draw=draw_run,
    )
    print_summary(outcome.folder, outcome.metrics)


def default_output(experiment: Any) -> Path:
    """`runs/TASK-DATA-EMBEDDERS-seedN` below the current folder."""
    from elmo_tasks.data.catalog import short_name

    names = "+".join(name.replace("/", "_").replace(":", "_") for name in experiment.embedders)
    task = Path(experiment.task).parent.name if experiment.task.endswith(".py") else experiment.task
    return Path("runs") / f"{task}-{short_name(experiment.data)}-{names}-seed{experiment.seed}"
