"""Show projections of the occurrences of a word: as a picture, and as text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from elmo_tasks.analysis.projection import Projection
from elmo_tasks.core.terminal import printable
from elmo_tasks.views.drawing import drawing, save_picture
from elmo_tasks.views.tables import print_line

_MARKERS = "os^Dv*P"


def draw_projections(word: str, found: Sequence[Projection], path: Path) -> None:
    """Write a picture with one panel per layer, and one colour and marker per sense or cluster."""
    from matplotlib.figure import Figure

    with drawing():
        figure = Figure(figsize=(max(6.0, 3.8 * len(found)), 4.4), layout="constrained")
        panels = figure.subplots(1, len(found), squeeze=False)[0]
        names = list(dict.fromkeys(group for one in found for group in one.groups))
        for axes, one in zip(panels, found, strict=True):
            _scatter(axes, one, names)
        figure.suptitle(f"{len(found[0].points)} occurrences of {printable(word)}")
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=min(3, len(names)))
        save_picture(figure, path, dpi=130)


def print_projections(word: str, found: Sequence[Projection], console: Console | None = None) -> None:
    """Print the number of occurrences in the groups of each layer, and the agreement of clusters with senses."""
    console = console or Console()
    print_line(f"{len(found[0].groups)} occurrences of {word}", console)
    for one in found:
        groups = ", ".join(f"{group} ({one.groups.count(group)})" for group in dict.fromkeys(one.groups))
        agree = (
            "" if one.agreement is None else f"; clusters agree with them to {one.agreement:.2f} (adjusted Rand index)"
        )
        print_line(f"layer {one.layer}: {groups}{agree}", console)


def _scatter(axes: Any, one: Projection, names: Sequence[str]) -> None:
    for number, name in enumerate(names):
        rows = [row for row, group in enumerate(one.groups) if group == name]
        axes.scatter(
            one.points[rows, 0],
            one.points[rows, 1],
            s=34,
            alpha=0.75,
            marker=_MARKERS[number % len(_MARKERS)],
            color=f"C{number % 10}",
            linewidths=0,
            label=printable(name),
        )
    if float(abs(one.points).max()) == 0.0:
        axes.text(0, 0.015, "every occurrence has the same vector", ha="center", fontsize=9, color="0.3")
    agreement = f", agreement {one.agreement:.2f}" if one.agreement is not None else ""
    axes.set_title(f"layer {one.layer}{agreement}" if one.layer.isdecimal() else f"{Path(one.layer).name}{agreement}")
    if one.explained is not None:
        for set_label, share, number in zip((axes.set_xlabel, axes.set_ylabel), one.explained, (1, 2), strict=True):
            set_label(f"component {number} ({100 * share:.0f} % of the variance)")
    else:
        axes.set_xlabel("UMAP 1")
        axes.set_ylabel("UMAP 2")
    axes.set_xticks([])
    axes.set_yticks([])
