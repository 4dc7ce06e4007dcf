"""`elmo-tasks tune`."""

from __future__ import annotations

import argparse
from importlib.util import find_spec
from pathlib import Path

from elmo_tasks.cli.engine import add_jobs, engine_of
from elmo_tasks.cli.verb import Verbs, add_verb, use_threads
from elmo_tasks.core.errors import InputError


def add(verbs: Verbs) -> None:
    """Declare the verb."""
    tune = add_verb(
        verbs,
        "tune",
        "search for the best settings of a task, with equally many trials for each combination of embedders",
        (
            "tune ner --space space.yaml --trials 20",
            "tune ner --data conll2003 --embedders glove,chars elmo,glove,chars --space space.yaml --jobs 2",
            "tune sentiment --space space.yaml --trials 50 --engine ray --ray-address auto",
        ),
    )
    tune.add_argument("task", metavar="TASK", help="name of a task (see `elmo-tasks list`) or path of a task.py")
    tune.add_argument(
        "--space",
        metavar="FILE",
        type=Path,
        required=True,
        help="YAML file with the settings to try: each with a list of values or a range {low: 1, high: 9, log: true} "
        "(required)",
    )
    tune.add_argument(
        "--trials", metavar="N", type=int, default=20, help="trials for each combination of embedders (default: 20)"
    )
    tune.add_argument(
        "--embedders",
        metavar="NAMES",
        nargs="+",
        default=[],
        help="combinations to tune; commas join embedders (default: that of the configuration)",
    )
    tune.add_argument(
        "--data",
        metavar="NAME|DIR",
        action="append",
        help="data set as for train, of which only train and dev are read (default: the sample corpus of the task)",
    )
    tune.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        help="YAML file with settings, or name of one in the package (default: the configuration of the task)",
    )
    tune.add_argument(
        "--set",
        metavar="key=value",
        action="append",
        default=[],
        help="set a key of the configuration of every trial; may be repeated (default: none)",
    )
    tune.add_argument(
        "-o", "--output", metavar="DIR", type=Path, help="folder of the search (default: runs/tuning-TASK)"
    )
    tune.add_argument(
        "--seed", metavar="N", type=int, default=1, help="seed of the search and of every trial (default: 1)"
    )
    tune.add_argument(
        "--no-pruning", action="store_true", help="train every trial to the end, however bad its epochs are"
    )
    add_jobs(tune, "trials")
    tune.add_argument("--overwrite", action="store_true", help="start the search in the output folder again")
    tune.set_defaults(verb=_tune)


def _tune(options: argparse.Namespace) -> None:
    if find_spec("optuna") is None:
        raise InputError(
            "tune needs the package optuna, which is not installed; install it with `pip install 'elmo-tasks[tune]'`"
        )
    engine = engine_of(options)
    use_threads(options.threads)
    from elmo_tasks.benchmark.grid import split_embedders
    from elmo_tasks.tuning.space import read_space
    from elmo_tasks.tuning.tune import Subject, tune

    given = {"seed": options.seed} | ({"data": "+".join(options.data)} if options.data else {})
    task = Path(options.task)
    name = task.parent.name if task.suffix == ".py" else options.task
    tune(
        Subject(options.task, given, options.set, options.config),
        read_space(options.space),
        [split_embedders(text) for text in options.embedders] or [()],
        options.output or Path("runs") / f"tuning-{name}",
        trials=options.trials,
        seed=options.seed,
        prune=not options.no_pruning,
        jobs=options.jobs,
        engine=engine,
        overwrite=options.overwrite,
        command=options.command_line,
    )
