"""The closing summary of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console

from elmo_tasks.views.tables import print_line, print_table


def print_outcome(folder: Path, metrics: dict[str, Any], console: Console | None = None) -> None:
    """Dev and test scores, per type, the learned mix, time and memory, and where everything is."""
    console = console or Console()
    metrics = {"test": None, **metrics}  # data without a test split have no such scores
    spans = "f1" in metrics["dev"]
    types, whole = _types(metrics), _spans(metrics) if spans else _labels(metrics)
    print_table(
        ("", "dev P", "dev R", "dev F1", "test P", "test R", "test F1", "spans" if spans else "examples"),
        [*types, *whole],
        numbers=range(1, 8),
        title=f"{metrics['task']} on {metrics['data']}: {' + '.join(metrics['embedders'])} (seed {metrics['seed']})",
        bold={len(types)},
        console=console,
    )
    for name, learned in metrics["mix"].items():
        weights = "  ".join(f"layer {layer}: {weight:.3f}" for layer, weight in enumerate(learned["weights"]))
        print_line(f"mix of {name}: {weights}  gamma: {learned['gamma']:.3f}", console)
    print_line(
        f"best epoch {metrics['best_epoch']} of {metrics['epochs']}; {metrics['seconds']:.0f} s in all, "
        f"{metrics['seconds_per_epoch']:.1f} s an epoch, peak memory {metrics['peak_rss_mb']:.0f} MB",
        console,
    )
    print_line(f"written to {folder}: {', '.join(sorted(path.name for path in folder.iterdir()))}", console)


def _types(metrics: dict[str, Any]) -> list[tuple[str, ...]]:
    """Dev and test scores of each type of span, or of each label."""
    rows: list[tuple[str, ...]] = []
    per_type = {split: (metrics[split] or {"per_type": {}})["per_type"] for split in ("dev", "test")}
    for name in sorted({*per_type["dev"], *per_type["test"]}):
        dev, test = (per_type[split].get(name) for split in ("dev", "test"))
        rows.append((name, *_three(dev), *_three(test), str(test["support"]) if test else "0"))
    return rows


def _spans(metrics: dict[str, Any]) -> list[tuple[str, ...]]:
    """Scores of all spans: the task's own, then others."""
    dev, test = metrics["dev"], metrics["test"]
    whole = "all (strict)" if "conlleval" in dev else "all"
    others = [name for name in ("conlleval", "predicates") if name in dev]
    return [
        (whole, *_three(dev), *_three(test), ""),
        *((name, *_three(dev[name]), *_three(test and test[name]), "") for name in others),
    ]


def _labels(metrics: dict[str, Any]) -> list[tuple[str, ...]]:
    """Scores of all examples that have one label each."""
    dev, test = metrics["dev"], metrics["test"]
    return [
        (name, "", "", f"{100 * dev[key]:.2f}", "", "", f"{100 * test[key]:.2f}" if test else "-", "")
        for name, key in (("accuracy", "accuracy"), ("macro F1", "macro_f1"))
    ]


def _three(scores: dict[str, Any] | None) -> tuple[str, str, str]:
    if scores is None:
        return "-", "-", "-"
    return tuple(f"{100 * scores[key]:.2f}" for key in ("precision", "recall", "f1"))  # type: ignore[return-value]
