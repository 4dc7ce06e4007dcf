"""The pictures of the report: dev score by epoch, test score by training data, learned mix weights."""

from __future__ import annotations

import io
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from elmo_tasks.benchmark.sheet import full_rows, headline, label
from elmo_tasks.views.drawing import drawing
from elmo_tasks.views.palette import styles

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MORE, _LESS = "#00508C", "#B94A00"  # colours of layers with more and less than an equal share
_STYLE: Any = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "axes.axisbelow": True,
    "svg.hashsalt": "elmo-tasks",  # makes the files reproducible
}


@dataclass(frozen=True)
class Picture:
    """A picture. name: the name of its file; alt: a description of what it shows."""

    name: str
    alt: str
    svg: bytes
    png: bytes


def task_pictures(task: Mapping[str, Any]) -> list[Picture]:
    """Learning curves, and sample efficiency if there are several fractions of the training data."""
    stem = f"{task['task']}-{task['data']}"
    with drawing(_STYLE):
        made = [_picture(f"{stem}-learning-curves", _learning_alt(task), _learning_curves(task))]
        if len({row["fraction"] for row in task["rows"]}) > 1:
            made.append(_picture(f"{stem}-sample-efficiency", _efficiency_alt(task), _sample_efficiency(task)))
    return made


def mix_picture(tasks: Sequence[Mapping[str, Any]]) -> Picture | None:
    """The mix weights of every task side by side, after Figure 2 of Peters et al. 2018; None if nothing is mixed."""
    bars = list(_mixes(tasks))
    if not bars:
        return None
    alt = "Learned layer weights, mean over seeds. " + " ".join(
        f"{title.replace(chr(10), ' ')}: {', '.join(f'layer {n} {value:.2f}' for n, value in enumerate(means))}."
        for title, means, _ in bars
    )
    with drawing(_STYLE):
        return _picture("mix-weights", alt, _mix_weights(bars))


def _learning_curves(task: Mapping[str, Any]) -> Figure:
    """The mean over seeds with a star at its best epoch, and each seed as a thin line."""
    from matplotlib.ticker import MaxNLocator

    figure, axes = _figure()
    found = styles(row["embedders"] for row in [*full_rows(task), *task["rows"]])
    for place, row in enumerate(full_rows(task)):
        color, marker = found[tuple(row["embedders"])]
        curves = [[100 * value for value in curve] for curve in row["curves"]]
        if len(curves) > 1:
            for curve in curves:
                axes.plot(range(1, len(curve) + 1), curve, color=color, linewidth=0.8, alpha=0.45)
        together = [
            statistics.mean(values) for values in zip(*curves, strict=False)
        ]  # as long as all seeds are training
        epochs = range(1, len(together) + 1)
        axes.plot(epochs, together, color=color, marker=marker, markersize=4.5, label=label(row), zorder=3 + place)
        best = max(range(len(together)), key=together.__getitem__)
        axes.plot(
            epochs[best], together[best], "*", color=color, markersize=13, markeredgecolor="white", zorder=20 + place
        )
    axes.set_xlim(left=0.4)
    axes.set_xlabel("epoch (star: best epoch of the mean; thin lines: seeds)")
    axes.set_ylabel(f"dev {headline(task)} (%)")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    _legend(figure)
    return figure


def _sample_efficiency(task: Mapping[str, Any]) -> Figure:
    """A curve for embedders with several sizes of the training data; a labelled hollow mark for those with one."""
    figure, axes = _figure()
    parts = sorted({row["fraction"] for row in task["rows"]})
    found = styles(row["embedders"] for row in [*full_rows(task), *task["rows"]])
    for names, (color, marker) in found.items():
        rows = sorted(
            (row for row in task["rows"] if tuple(row["embedders"]) == names), key=lambda row: row["fraction"]
        )
        lone = len(rows) == 1
        axes.errorbar(
            [row["fraction"] for row in rows],
            [100 * row["test"]["mean"] for row in rows],
            [100 * (row["test"]["deviation"] or 0) for row in rows],
            color=color,
            marker=marker,
            markerfacecolor="white" if lone else color,
            linestyle="none" if lone else "-",
            markersize=6,
            capsize=3,
            label=label(rows[0]) + (f" (only {rows[0]['fraction']:g} %)" if lone else ""),
        )
    axes.set_xscale("log")
    axes.set_xticks(parts, [f"{part:g}" for part in parts])
    axes.minorticks_off()
    axes.set_xlabel("training sentences (%, logarithmic)")
    axes.set_ylabel(f"test {headline(task)} (%), mean ± std")
    _legend(figure)
    return figure


def _mix_weights(bars: Sequence[tuple[str, list[float], list[float]]]) -> Figure:
    """The weight of each layer relative to an equal share, which shows small differences; the weight itself as text."""
    from matplotlib.figure import Figure

    lines = sum(len(means) for _, means, _ in bars) + 1.6 * len(bars)
    figure = Figure(figsize=(6.4, 0.8 + 0.17 * lines), layout="constrained")
    axes = figure.add_subplot()
    place, ticks = 0.0, []
    reach = max(
        abs(mean * len(means) - 1) + deviation * len(means)
        for _, means, deviations in bars
        for mean, deviation in zip(means, deviations, strict=True)
    )
    reach = 100 * max(reach, 0.05)
    for title, means, deviations in bars:
        for number, (mean, deviation) in enumerate(zip(means, deviations, strict=True)):
            value, error = 100 * (mean * len(means) - 1), 100 * deviation * len(means)
            axes.barh(
                place + number,
                value,
                height=0.85,
                color=_MORE if value > 0 else _LESS,
                xerr=error or None,
                error_kw={"capsize": 2, "ecolor": "#444444"},
            )
            side = 1 if value > 0 else -1
            axes.annotate(
                f"{mean:.3f}",
                (value + side * error, place + number),
                (4 * side, 0),
                textcoords="offset points",
                ha="left" if side > 0 else "right",
                va="center",
                fontsize=7,
            )
            axes.text(-1.28 * reach, place + number, str(number), va="center", fontsize=7, color="#444444")
        ticks.append((place + (len(means) - 1) / 2, title))
        place += len(means) + 1.6
    axes.axvline(0, color="#222222", linewidth=1)
    axes.set_yticks([at for at, _ in ticks], [title for _, title in ticks])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(place - 1.9, -1.2)  # downwards
    axes.set_xlim(-1.32 * reach, 1.2 * reach)
    axes.grid(visible=False, axis="y")
    figure.supxlabel(
        "weight of each layer (0 is the lowest) relative to an equal share (%)\n"
        "text: the weight; mean ± standard deviation over seeds",
        fontsize=9,
    )
    return figure


def _mixes(tasks: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, list[float], list[float]]]:
    """Yield a title, and mean and deviation of each layer, for every mixed embedder of every complete row."""
    for task in tasks:
        for row in full_rows(task):
            for mix in row["mix"]:
                layers = list(zip(*mix["weights"], strict=True))
                deviations = [statistics.stdev(values) if len(values) > 1 else 0.0 for values in layers]
                within = "" if row["embedders"] == [mix["embedder"]] else f"\nin {label(row)}"
                title = f"{task['task']}, {task['data']}\n{mix['embedder']}{within}"
                yield title, [statistics.mean(values) for values in layers], deviations


def _figure() -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.4), layout="constrained")  # one column, legible on a phone
    return figure, figure.add_subplot()


def _legend(figure: Figure) -> None:
    figure.legend(loc="outside upper left", ncols=2, frameon=False)


def _picture(name: str, alt: str, figure: Figure) -> Picture:
    made = {}
    for kind, options in (("svg", {"metadata": {"Date": None}}), ("png", {"dpi": 150})):
        buffer = io.BytesIO()
        figure.savefig(buffer, format=kind, **options)
        made[kind] = buffer.getvalue()
    return Picture(name, alt, made["svg"], made["png"])


def _learning_alt(task: Mapping[str, Any]) -> str:
    ends = [f"{label(row)} {100 * max(max(c) for c in row['curves']):.1f}" for row in full_rows(task)]
    return f"Dev {headline(task)} by epoch on {task['data']}. Highest: {', '.join(ends)}."


def _efficiency_alt(task: Mapping[str, Any]) -> str:
    ends = [f"{label(row)} at {row['fraction']:g} %: {100 * row['test']['mean']:.1f}" for row in task["rows"]]
    return f"Test {headline(task)} on {task['data']} by the part of the training data. {'; '.join(ends)}."
