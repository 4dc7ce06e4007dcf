"""`elmo-tasks list`."""

from __future__ import annotations

import argparse

from elmo_tasks.cli.verb import Verbs, add_verb
from elmo_tasks.core.terminal import say


def add(verbs: Verbs) -> None:
    """Declare the verb."""
    listing = add_verb(verbs, "list", "list tasks, data sets, embedders and configurations", ("list",))
    listing.set_defaults(verb=_list)


def _list(options: argparse.Namespace) -> None:
    from elmo_tasks.core.paths import cache_root, config_names, data_root, recipe_root, task_names
    from elmo_tasks.data.catalog import CATALOG, locate
    from elmo_tasks.embedders.registry import PROVIDERS
    from elmo_tasks.runs.shipped import tagger_names

    say(f"taggers:    {', '.join(tagger_names())}: `predict` and `demo` take these names")
    say(f"tasks:      {', '.join(task_names())}")
    for name, entry in CATALOG.items():
        place = locate(name)
        where = str(place.folder) if place else "from the hub at first use" if entry.hub else "not found"
        say(f"data:       {name} ({entry.task}): {entry.summary}; {where}")
    for name, provider in PROVIDERS.items():
        say(f"embedder:   {provider.form(name)}: {provider.summary}")
    configs = ", ".join(config_names())
    say(f"configs:    {configs} in {recipe_root('configs')}; --config takes these names anywhere")
    say(f"data root:  {data_root() or 'none (set ELMO_TASKS_DATA)'}")
    say(f"cache:      {cache_root()} (set ELMO_TASKS_CACHE)")
