"""The table and the picture of `inference.py`'s record."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

PRECISIONS = ("exact", "fast", "int8")


def table(record: Mapping[str, Any]) -> str:
    """Markdown: tokens a second and what it is of the reference and of the products, latency, memory."""
    lines = [
        "| biLM | contestant | tokens/s | of the reference | of the products | one sentence, ms | floor (memory), ms |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for architecture, found in record["architectures"].items():
        speed, latency = found["throughput"], found["latency"]
        for name, rate in speed["tokens_per_second"].items():
            share = speed["share_of_products"].get(name)
            single = latency["ms_words_known"].get(name)
            floor = latency["floors"].get(name)
            cells = (
                architecture,
                f"`{name}`",
                f"{rate:,.0f}",
                f"{speed['times_the_reference'][name]:.1f}",
                f"{100 * share:.0f} %" if share else "",
                f"{single:.1f}" if single else "",
                f"{floor['floor_ms']:.1f} ({floor['memory_ms']:.1f})" if floor else "",
            )
            lines.append("| " + " | ".join(cells) + " |")
    lines += ["", "| biLM | load | MB above the weights |", "| --- | --- | ---: |"]
    for architecture, found in record["architectures"].items():
        lines += [f"| {architecture} | {load} | {some['above_mb']:,.0f} |" for load, some in found["memory"].items()]
    return "\n".join(lines)


def draw(record: Mapping[str, Any], path: Path) -> None:
    """Speed by contestant, by budget, length and threads, a row an architecture."""
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
        row[0].set_title(f"{architecture}: tokens a second")
        for axis, (what, points) in zip(row[1:], measured["sweeps"].items(), strict=True):
            axis.plot(list(points), list(points.values()), marker="o", color="tab:blue")
            axis.set_ylim(bottom=0)
            axis.set_xlabel(what.replace("_", " "))
            axis.set_title("`fast`, tokens a second")
    figure.savefig(path, dpi=120)
