"""Print the final summary of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from elmo_tasks.runs.folder import is_number
from elmo_tasks.views.tables import print_line, print_table

_NAMES = {"f1": "F1", "macro_f1": "macro F1"}
_THREE = ("precision", "recall", "f1")


def print_summary(folder: Path, metrics: dict[str, Any], console: Console | None = None) -> None:
    """Print dev and test scores (by type, if any), the learned mix, time and memory, and the files of the run."""
    console = console or Console()
    _print_scores(metrics, console)
    for name, learned in metrics["mix"].items():
        weights = "  ".join(f"layer {layer}: {weight:.3f}" for layer, weight in enumerate(learned["weights"]))
        print_line(f"mix of {name}: {weights}  gamma: {learned['gamma']:.3f}", console)
    print_line(
        f"best epoch {metrics['best_epoch']} of {metrics['epochs']}; {metrics['seconds']:.0f} s in total, "
        f"{metrics['seconds_per_epoch']:.1f} s per epoch, peak memory {metrics['peak_rss_mb']:.0f} MB",
        console,
    )
    print_line(f"written to {folder}: {', '.join(sorted(path.name for path in folder.iterdir()))}", console)


def _print_scores(metrics: Mapping[str, Any], console: Console) -> None:
    """One row per type, then one per score. Only the headline always exists, see `elmo_tasks.task.Scores`."""
    splits = {split: metrics[split] for split in ("dev", "test") if split in metrics}
    types = {split: _groups(scores.get("per_type")) for split, scores in splits.items()}
    groups = {split: _groups(scores) for split, scores in splits.items()}  # such as the predicates of SRL
    f1 = {split: scores for split, scores in splits.items() if _is_group(scores)}
    columns = ("P", "R", "F1") if f1 or any(types.values()) or any(groups.values()) else ("",)
    rows: list[tuple[str, ...]] = []
    bold: set[int] = set()

    def add(name: str, cells: Mapping[str, Sequence[str]], last: str = "", headline: bool = False) -> None:
        if headline:
            bold.add(len(rows))
        filled = [cell for split in splits for cell in cells.get(split, ["-"] * len(columns))]
        rows.append((name, *filled, *([last] if any(types.values()) else [])))

    for name in sorted({name for found in types.values() for name in found}):
        support = types.get("test", {}).get(name, {}).get("support", 0)
        add(name, {split: _three(found[name]) for split, found in types.items() if name in found}, str(support))
    if f1:
        strict = any("conlleval" in found for found in groups.values())
        add("all (strict)" if strict else "all", {split: _three(scores) for split, scores in f1.items()}, headline=True)
    for name in dict.fromkeys(name for found in groups.values() for name in found):
        add(name, {split: _three(found[name]) for split, found in groups.items() if name in found})
    for key in dict.fromkeys(key for scores in splits.values() for key, value in scores.items() if is_number(value)):
        if not (f1 and key in _THREE):
            blank = [""] * (len(columns) - 1)
            cells = {split: [*blank, _cell(scores[key])] for split, scores in splits.items() if key in scores}
            add(_NAMES.get(key, key), cells, headline=key == metrics["headline"])
    headings = [f"{split} {name}".strip() for split in splits for name in columns]
    ends = ["spans" if f1 else "examples"] if any(types.values()) else []
    print_table(
        ("", *headings, *ends),
        rows,
        numbers=range(1, 1 + len(headings) + len(ends)),
        title=f"{metrics['task']} on {metrics['data']}: {' + '.join(metrics['embedders'])} (seed {metrics['seed']})",
        bold=bold,
        console=console,
    )


def _groups(found: Any) -> dict[str, Mapping[str, Any]]:
    """The entries of a dictionary that have precision, recall and F1."""
    entries = found.items() if isinstance(found, Mapping) else ()
    return {str(name): scores for name, scores in entries if _is_group(scores)}


def _is_group(scores: Any) -> bool:
    return isinstance(scores, Mapping) and all(is_number(scores.get(key)) for key in _THREE)


def _three(scores: Mapping[str, Any]) -> list[str]:
    return [_cell(scores[key]) for key in _THREE]


def _cell(value: Any) -> str:
    """Format a fraction in per cent; integers are unchanged."""
    if not is_number(value):
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{100 * value:.2f}"
