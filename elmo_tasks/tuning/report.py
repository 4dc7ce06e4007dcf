"""The report of a search: `report.md`, `report.html`, `tuning.json`, and configurations for `train --config`."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from elmo_tasks.benchmark.cell import names_slug
from elmo_tasks.benchmark.document import Section
from elmo_tasks.benchmark.report import as_markdown, as_page
from elmo_tasks.benchmark.sheet import NOTHING, Sheet
from elmo_tasks.core.files import write_json, write_text
from elmo_tasks.data.catalog import short_name
from elmo_tasks.runs.collect import circumstances, without_folders
from elmo_tasks.runs.experiment import Experiment, to_yaml
from elmo_tasks.tuning.search import Search
from elmo_tasks.tuning.trial import FAILED, FINISHED, PRUNED

_TITLE = "Search for the best settings"
_STATES = {"COMPLETE": FINISHED, "PRUNED": PRUNED, "FAIL": FAILED}
BEST = "best.yaml"


def write_report(
    folder: Path,
    searches: Sequence[Search],
    bases: Sequence[Experiment],
    best: Sequence[Experiment | None],
    command: str,
    trials: int,
) -> Path:
    """Write the report in all formats and the best configurations. Returns the file of the best of all."""
    found = [_combination(search, base) for search, base in zip(searches, bases, strict=True)]
    scores = [-1.0 if entry["best"] is None else entry["best"]["dev"] for entry in found]
    for base, experiment in zip(bases, best, strict=True):
        if experiment is not None and len(bases) > 1:
            write_text(folder / f"best-{names_slug(base.embedders)}.yaml", to_yaml(experiment))
    winner = best[scores.index(max(scores))]
    if winner is not None:
        write_text(folder / BEST, to_yaml(winner))
    record = without_folders(
        {
            "kind": "tuning",
            "command": command,
            "task": bases[0].task,
            "data": short_name(bases[0].data),
            "trials": trials,
            "combinations": found,
        }
    ) | circumstances(max(path.stat().st_mtime for path in folder.glob("*.db")))
    record["versions"]["optuna"] = version("optuna")
    write_json(folder / "tuning.json", record)
    sections = document(record)
    write_text(folder / "report.md", as_markdown(sections, "pictures", _TITLE))
    write_text(folder / "report.html", as_page(sections, _TITLE))
    return folder / BEST


def document(record: Mapping[str, Any]) -> list[Section]:
    """The sections: a summary, one per combination of embedders, and how the report was made."""
    entries = record["combinations"]
    summary = Section("In short", tuple(map(_in_short, entries)), (_comparison(entries),))
    made = [Section(_label(entry), (), (_importance(entry), _trials(entry))) for entry in entries]
    versions = ", ".join(f"{name} {number}" for name, number in record["versions"].items())
    how = (
        f"Command: {record['command']}",
        f"Task {record['task']} on {record['data']}, {record['trials']} trials for each combination of embedders.",
        f"Machine: {record['machine']}. {versions}.",
        "Scores are those of the dev split, which also chose the epoch and the trial, so the best is a little too high "
        "by chance. The test split has not been read. Train the best configuration with several seeds to report it.",
        "A trial is pruned if its best epoch so far is worse than the median of earlier trials at the same epoch.",
    )
    return [summary, *made, Section("How this was made", how)]


def _combination(search: Search, base: Experiment) -> dict[str, Any]:
    tried = [
        {
            "number": trial.number,
            "state": _STATES[trial.state.name],
            "dev": trial.value,
            "epochs": len(trial.intermediate_values),
            "seconds": trial.user_attrs["seconds"],
            "fault": trial.user_attrs["fault"],
            "settings": trial.params,
        }
        for trial in search.trials
    ]
    best = search.best()
    return {
        "embedders": list(base.embedders),
        "best": None if best is None else tried[best.number],
        "importance": search.importance(),
        "trials": tried,
    }


def _label(entry: Mapping[str, Any]) -> str:
    return " + ".join(entry["embedders"])


def _in_short(entry: Mapping[str, Any]) -> str:
    best = entry["best"]
    if best is None:
        return f"{_label(entry)}: no trial has finished."
    return f"{_label(entry)}: the best of {len(entry['trials'])} has dev {_percent(best['dev'])} with {_shown(best)}."


def _shown(trial: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}={_value(value)}" for key, value in trial["settings"].items())


def _value(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value).lower() if isinstance(value, bool) else str(value)


def _percent(score: float | None) -> str:
    return NOTHING if score is None else f"{100 * score:.2f}"


def _comparison(entries: Sequence[Mapping[str, Any]]) -> Sheet:
    rows = []
    for entry in entries:
        states = [trial["state"] for trial in entry["trials"]]
        scores = [trial["dev"] for trial in entry["trials"] if trial["state"] == FINISHED]
        best = None if entry["best"] is None else entry["best"]["dev"]
        median = statistics.median(scores) if scores else None
        minutes = sum(trial["seconds"] for trial in entry["trials"]) / 60
        counts = [str(states.count(state)) for state in (FINISHED, PRUNED, FAILED)]
        rows.append((_label(entry), _percent(best), _percent(median), *counts, f"{minutes:.1f}"))
    return Sheet(
        "Combinations of embedders",
        "Dev scores in per cent of the best trial, and the median of the trials that finished; minutes of all trials.",
        ("embedders", "best dev", "median dev", "finished", "pruned", "failed", "minutes"),
        tuple(rows),
    )


def _importance(entry: Mapping[str, Any]) -> Sheet:
    rows = tuple((key, f"{100 * share:.0f}") for key, share in entry["importance"].items())
    about = (
        "The share in per cent of the variance of dev scores that each setting explains alone or with others (fANOVA)."
    )
    if not rows:
        about = "Not known: it needs two finished trials with different scores."
    return Sheet("Importance of the settings", about, ("setting", "share"), rows)


def _trials(entry: Mapping[str, Any]) -> Sheet:
    keys = list(entry["trials"][0]["settings"]) if entry["trials"] else []
    ranked = sorted(entry["trials"], key=lambda trial: -1.0 if trial["dev"] is None else trial["dev"], reverse=True)
    rows = []
    for trial in ranked:
        state = f"failed: {trial['fault']}" if trial["state"] == FAILED else trial["state"]
        figures = (_percent(trial["dev"]), str(trial["epochs"]), f"{trial['seconds']:.0f}")
        rows.append((str(trial["number"]), state, *(_value(trial["settings"][key]) for key in keys), *figures))
    return Sheet(
        "Trials",
        "The best first. Dev scores in per cent of the best epoch.",
        ("trial", "state", *keys, "dev", "epochs", "seconds"),
        tuple(rows),
        2,
    )
