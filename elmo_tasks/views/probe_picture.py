"""Accuracy by layer as a picture."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from elmo_tasks.views.plots import save_picture

_GREY = "0.8"
_COLOURS = ("tab:blue", "tab:orange", "tab:green", "tab:purple", "tab:brown")


def draw_probe(record: Mapping[str, Any], path: Path) -> None:
    """Bars of test accuracy by layer and embedder, with the controls; for tags, selectivity beside them."""
    from matplotlib.container import BarContainer
    from matplotlib.figure import Figure

    tagged = record["probe"] != "senses"
    embedders = list(dict.fromkeys(row["embedder"] for row in record["probes"]))
    colours = {name: _GREY if name == "random biLM" else next_colour for name, next_colour in _colours(embedders)}
    figure = Figure(figsize=(10.5 if tagged else 6.5, 4.2), layout="constrained")
    axes = figure.subplots(1, 2 if tagged else 1, squeeze=False)[0]
    _bars(axes[0], record, "test", colours)
    axes[0].set_ylabel("test accuracy (%)")
    for name, value, style in _lines(record):
        axes[0].axhline(value, color="0.25", linestyle=style, linewidth=1.2, label=f"{name} ({value:.1f})")
    for entry in record["published"]:
        _published(axes[0], record, entry)
    handles, labels = axes[0].get_legend_handles_labels()
    bars = [isinstance(handle, BarContainer) for handle in handles]
    handles, labels = (
        [x for kind in (True, False) for x, bar in zip(y, bars, strict=True) if bar is kind] for y in (handles, labels)
    )
    if tagged:
        _bars(axes[1], record, "selectivity", colours)
        axes[1].set_ylabel("selectivity (points)")
    figure.suptitle(f"{record['data']}: {bilm_name(record)}")
    figure.legend(handles, labels, loc="outside lower center", ncols=3 if tagged else 2, fontsize="small")
    save_picture(figure, path, dpi=130)


def others(entry: Mapping[str, Any]) -> str:
    """How a published result is called beside ours."""
    return f"{entry['source']} (other data)"


def bilm_name(record: Mapping[str, Any]) -> str:
    """The biLM as a title says it."""
    name = record["bilm"]["name"]
    return "the biLM inside the package" if name in ("default", "shipped") else f"biLM {Path(name).name}"


def _colours(embedders: list[str]) -> list[tuple[str, str]]:
    return [(name, _COLOURS[index % len(_COLOURS)]) for index, name in enumerate(embedders)]


def _places(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The bars from left to right: each embedder's layers in order."""
    return [(row["embedder"], row["layer"]) for row in record["probes"]]


def _bars(axes: Any, record: Mapping[str, Any], key: str, colours: Mapping[str, str]) -> None:
    """A bar a layer with its value at its foot, a gap between embedders, an error bar over seeds."""
    places, at, before = [], 0.0, None
    for row in record["probes"]:
        at += 1.6 if before not in (None, row["embedder"]) else 1.0
        before = row["embedder"]
        places.append(at)
    shown: set[str] = set()
    for place, row in zip(places, record["probes"], strict=True):
        values = [100 * value for value in row[key]]
        mean = statistics.mean(values)
        error = statistics.stdev(values) if len(values) > 1 else 0.0
        name = row["embedder"] if row["embedder"] not in shown else None
        shown.add(row["embedder"])
        axes.bar(place, mean, 0.86, color=colours[row["embedder"]], yerr=error or None, capsize=3, label=name)
        # At the foot, where neither lines nor marks of others cross it.
        ink = "0.15" if colours[row["embedder"]] == _GREY else "white"
        axes.annotate(f"{mean:.1f}", (place, 0), (0, 4), textcoords="offset points", ha="center", fontsize=9, color=ink)
    axes.set_xticks(places, [row["layer"] for row in record["probes"]])
    axes.set_xlabel("layer")
    values = [100 * value for row in record["probes"] for value in row[key]]
    axes.set_ylim(min(0.0, 1.18 * min(values)), max(1.0, 1.1 * max(values)))
    axes.spines[["top", "right"]].set_visible(False)


def _lines(record: Mapping[str, Any]) -> list[tuple[str, float, str]]:
    if record["probe"] == "senses":
        return [("first sense", 100 * record["first_sense"], "--")]
    majority = record["majority"]
    return [
        ("each word's most frequent tag", 100 * majority["word"]["test"], "--"),
        ("most frequent tag", 100 * majority["tag"]["test"], ":"),
    ]


def _published(axes: Any, record: Mapping[str, Any], entry: Mapping[str, Any]) -> None:
    """Others' figures as marks over the biLM's own layers; other data, so for orientation alone."""
    first = record["probes"][0]["embedder"]
    ticks = axes.get_xticks()
    marks = [
        (tick, entry["layers"][layer])
        for tick, (embedder, layer) in zip(ticks, _places(record), strict=True)
        if embedder == first and layer in entry["layers"]
    ]
    if marks:
        axes.plot(
            *zip(*marks, strict=True), "D", color="white", markeredgecolor="black", markersize=6, label=others(entry)
        )
