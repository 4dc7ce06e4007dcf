"""The pictures of the report: dev score by epoch, test score by training data, learned mix weights."""

from __future__ import annotations

import io
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from elmo_tasks.benchmark.sheet import full_rows, headline, label
from elmo_tasks.views.drawing import drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito 2008: told apart with every kind of colour vision; line styles and marks tell them apart in grey.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_MARKS = ("o", "s", "^", "D", "v", "P", "X")
_MORE, _LESS = "#0072B2", "#A6CDE8"  # a layer that has more than its equal share, and less
_STYLE: Any = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "axes.axisbelow": True,
    "svg.hashsalt": "elmo-tasks",  # the same picture is the same file
}


@dataclass(frozen=True)
class Picture:
    """name: of a file; alt: what it shows, for those who do not see it."""

    name: str
    alt: str
    svg: bytes
    png: bytes


def task_pictures(task: Mapping[str, Any]) -> list[Picture]:
    """Learning curves, and sample efficiency if there are several parts of the training data."""
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
    from matplotlib.ticker import MaxNLocator

    figure, axes = _figure()
    for place, row in enumerate(full_rows(task)):
        style = _style(task, row)
        curves = [[100 * value for value in curve] for curve in row["curves"]]
        for curve in curves:
            axes.plot(range(1, len(curve) + 1), curve, color=style["color"], linewidth=0.8, alpha=0.45)
        together = [statistics.mean(values) for values in zip(*curves, strict=False)]  # while all seeds still train
        axes.plot(range(1, len(together) + 1), together, **style, markersize=4.5, label=label(row), zorder=3 + place)
    axes.set_xlabel("epoch")
    axes.set_ylabel(f"dev {headline(task)} in per cent: mean, and thin each seed")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    _legend(figure)
    return figure


def _sample_efficiency(task: Mapping[str, Any]) -> Figure:
    figure, axes = _figure()
    parts = sorted({row["fraction"] for row in task["rows"]})
    for name in dict.fromkeys(tuple(row["embedders"]) for row in task["rows"]):
        rows = [row for row in task["rows"] if tuple(row["embedders"]) == name]
        axes.errorbar(
            [row["fraction"] for row in rows],
            [100 * row["test"]["mean"] for row in rows],
            [100 * (row["test"]["deviation"] or 0) for row in rows],
            **_style(task, rows[0]),
            markersize=5,
            capsize=3,
            label=label(rows[0]),
        )
    axes.set_xscale("log")
    axes.set_xticks(parts, [f"{part:g}" for part in parts])
    axes.minorticks_off()
    axes.set_xlabel("per cent of the training sentences (logarithmic)")
    axes.set_ylabel(f"test {headline(task)} in per cent, ± deviation")
    _legend(figure)
    return figure


def _mix_weights(bars: Sequence[tuple[str, list[float], list[float]]]) -> Figure:
    from matplotlib.figure import Figure

    lines = sum(len(means) for _, means, _ in bars) + 1.6 * len(bars)
    figure = Figure(figsize=(6.4, 0.6 + 0.17 * lines), layout="constrained")
    axes = figure.add_subplot()
    place, ticks = 0.0, []
    for title, means, deviations in bars:
        equal = 1 / len(means)
        for number, (mean, deviation) in enumerate(zip(means, deviations, strict=True)):
            more = mean > equal
            axes.barh(
                place + number, mean, height=0.85, color=_MORE if more else _LESS, xerr=deviation or None, capsize=2
            )
            axes.text(0.006, place + number, str(number), va="center", fontsize=7, color="white" if more else "black")
        last = place + len(means) - 1
        axes.plot([equal, equal], [place - 0.6, last + 0.6], color="#222222", linestyle="--", linewidth=1.2)
        axes.annotate(f"1/{len(means)}", (equal, place - 0.6), ha="center", va="bottom", fontsize=8)
        ticks.append(((place + last) / 2, title))
        place = last + 2.6
    axes.set_yticks([at for at, _ in ticks], [title for _, title in ticks])
    axes.set_ylim(place - 1.9, -1.6)  # downwards
    axes.set_xlim(0, max(0.5, *(m + d + 0.05 for _, means, ds in bars for m, d in zip(means, ds, strict=True))))
    axes.grid(visible=False, axis="y")
    figure.supxlabel("learned weight of each layer, mean ± deviation over seeds", fontsize=10)
    return figure


def _mixes(tasks: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, list[float], list[float]]]:
    """A title, and a mean and a deviation a layer, for every mixed source of every full row."""
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

    figure = Figure(figsize=(6.4, 4.4), layout="constrained")  # one column, so that a phone shows it legibly
    return figure, figure.add_subplot()


def _style(task: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """A colour and a mark for each list of embedders, the same in all of a task's pictures."""
    names = list(dict.fromkeys(label(other) for other in [*full_rows(task), *task["rows"]]))
    place = names.index(label(row))
    return {"color": _COLOURS[place % len(_COLOURS)], "marker": _MARKS[place % len(_MARKS)]}


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
