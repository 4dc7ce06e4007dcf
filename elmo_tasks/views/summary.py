"""The closing summary of a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from elmo_tasks.views.tables import print_line, print_table

Scores = Mapping[str, Any]


def print_outcome(folder: Path, metrics: dict[str, Any], console: Console | None = None) -> None:
    """Dev and test scores, per type, the learned mix, time and memory, and where everything is.

    Data without a test split has no scores of it.
    """
    console = console or Console()
    spans = "f1" in metrics["dev"]
    dev, test = metrics["dev"], metrics.get("test")
    types, whole = _types(dev, test), _spans(dev, test) if spans else _labels(dev, test)
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


def _types(dev: Scores, test: Scores | None) -> list[tuple[str, ...]]:
    """Dev and test scores of each type of span, or of each label."""
    of_dev, of_test = dev["per_type"], test["per_type"] if test else {}
    return [
        (name, *_three(of_dev.get(name)), *_three(found := of_test.get(name)), str(found["support"]) if found else "0")
        for name in sorted({*of_dev, *of_test})
    ]


def _spans(dev: Scores, test: Scores | None) -> list[tuple[str, ...]]:
    """Scores of all spans: the task's own, then others."""
    whole = "all (strict)" if "conlleval" in dev else "all"
    others = [name for name in ("conlleval", "predicates") if name in dev]
    return [
        (whole, *_three(dev), *_three(test), ""),
        *((name, *_three(dev[name]), *_three(test and test[name]), "") for name in others),
    ]


def _labels(dev: Scores, test: Scores | None) -> list[tuple[str, ...]]:
    """Scores of all examples that have one label each."""
    return [
        (name, "", "", _per_cent(dev[key]), "", "", _per_cent(test[key]) if test else "-", "")
        for name, key in (("accuracy", "accuracy"), ("macro F1", "macro_f1"))
    ]


def _three(scores: Scores | None) -> tuple[str, ...]:
    if scores is None:
        return "-", "-", "-"
    return tuple(_per_cent(scores[key]) for key in ("precision", "recall", "f1"))


def _per_cent(fraction: float) -> str:
    return f"{100 * fraction:.2f}"
