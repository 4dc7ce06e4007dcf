"""The table and the figure for the record of `inference.py`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from elmo_tasks.core.markdown import code, markdown_table

PRECISIONS = ("exact", "fast", "int8")


def table(record: Mapping[str, Any]) -> str:
    """Markdown: tokens per second, its ratio to the reference and to the products, latency, memory."""
    speeds = []
    for architecture, found in record["architectures"].items():
        speed, latency = found["throughput"], found["latency"]
        for name, rate in speed["tokens_per_second"].items():
            share = speed["share_of_products"].get(name)
            single = latency["ms_words_known"].get(name)
            floor = latency["floors"].get(name)
            cells = (
                architecture,
                code(name),
                f"{rate:,.0f}",
                f"{speed['times_the_reference'][name]:.1f}",
                f"{100 * share:.0f} %" if share else "",
                f"{single:.1f}" if single else "",
                f"{floor['floor_ms']:.1f} ({floor['memory_ms']:.1f})" if floor else "",
            )
            speeds.append(cells)
    loads = [
        (architecture, load, f"{some['above_mb']:,.0f}")
        for architecture, found in record["architectures"].items()
        for load, some in found["memory"].items()
    ]
    columns = ("of the reference", "of the products", "one sentence, ms", "floor (memory), ms")
    return (
        markdown_table(("biLM", "contestant", "tokens/s", *columns), speeds, numbers=2)
        + "\n"
        + markdown_table(("biLM", "load", "MB above the weights"), loads, numbers=2)
    )


def draw(record: Mapping[str, Any], path: Path) -> None:
    """Plot speed by contestant, token budget, length and threads, one row per architecture."""
    from matplotlib.figure import Figure

    found = record["architectures"]
    figure = Figure(figsize=(15, 3.6 * len(found)), layout="constrained")
    axes = figure.subplots(len(found), 4, squeeze=False)
    for row, (architecture, measured) in zip(axes, found.items(), strict=True):
        speeds = measured["throughput"]["tokens_per_second"]
        bars = row[0].barh(list(speeds), list(speeds.values()), color="tab:blue")
        ratios = measured["throughput"]["times_the_reference"]
        row[0].bar_label(bars, [f" {ratios[name]:.1f}x" for name in speeds])
        row[0].invert_yaxis()
        row[0].margins(x=0.25)
        row[0].set_title(f"{architecture}: tokens per second")
        for axis, (what, points) in zip(row[1:], measured["sweeps"].items(), strict=True):
            axis.plot(list(points), list(points.values()), marker="o", color="tab:blue")
            axis.set_ylim(bottom=0)
            axis.set_xlabel(what.replace("_", " "))
            axis.set_title("`fast`, tokens per second")
    figure.savefig(path, dpi=120)
