"""The closing summary of a run, and the list of what there is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table


def print_outcome(folder: Path, metrics: dict[str, Any], console: Console | None = None) -> None:
    """Dev and test scores, per type, the learned mix, time and memory, and where everything is."""
    console = console or Console()
    title = f"{metrics['task']} on {metrics['data']}: {' + '.join(metrics['embedders'])} (seed {metrics['seed']})"
    table = _spans(metrics, title) if "f1" in metrics["test"] else _labels(metrics, title)
    console.print(table)
    for name, learned in metrics["mix"].items():
        weights = "  ".join(f"layer {layer}: {weight:.3f}" for layer, weight in enumerate(learned["weights"]))
        console.print(f"mix of {name}: {weights}  gamma: {learned['gamma']:.3f}", soft_wrap=True)
    console.print(
        f"best epoch {metrics['best_epoch']} of {metrics['epochs']}; {metrics['seconds']:.0f} s in all, "
        f"{metrics['seconds_per_epoch']:.1f} s an epoch, peak memory {metrics['peak_rss_mb']:.0f} MB",
        soft_wrap=True,
        highlight=False,
    )
    console.print(f"written to {folder}: {', '.join(sorted(path.name for path in folder.iterdir()))}", soft_wrap=True)


def _spans(metrics: dict[str, Any], title: str) -> Table:
    """Scores of spans, type by type."""
    table = _table(title, ("", "dev P", "dev R", "dev F1", "test P", "test R", "test F1", "spans"))
    _types(table, metrics)
    whole = "all (strict)" if "conlleval" in metrics["test"] else "all"
    table.add_row(whole, *_three(metrics["dev"]), *_three(metrics["test"]), "", style="bold")
    for name in ("conlleval", "predicates"):
        if name in metrics["test"]:
            table.add_row(name, *_three(metrics["dev"][name]), *_three(metrics["test"][name]), "")
    return table


def _labels(metrics: dict[str, Any], title: str) -> Table:
    """Scores of one label an example, label by label."""
    table = _table(title, ("", "dev P", "dev R", "dev F1", "test P", "test R", "test F1", "examples"))
    _types(table, metrics)
    dev, test = metrics["dev"], metrics["test"]
    for name, key in (("accuracy", "accuracy"), ("macro F1", "macro_f1")):
        cells = (f"{100 * dev[key]:.2f}", "", "", f"{100 * test[key]:.2f}", "")
        table.add_row(name, "", "", *cells, style="bold" if key == "accuracy" else None)
    return table


def _table(title: str, columns: tuple[str, ...]) -> Table:
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, justify="right" if column else "left", no_wrap=True)
    return table


def _types(table: Table, metrics: dict[str, Any]) -> None:
    for name in sorted(set(metrics["dev"]["per_type"]) | set(metrics["test"]["per_type"])):
        dev, test = (metrics[split]["per_type"].get(name) for split in ("dev", "test"))
        table.add_row(name, *_three(dev), *_three(test), str(test["support"]) if test else "0")


def _three(scores: dict[str, Any] | None) -> tuple[str, str, str]:
    if scores is None:
        return "-", "-", "-"
    return tuple(f"{100 * scores[key]:.2f}" for key in ("precision", "recall", "f1"))  # type: ignore[return-value]
