"""Draw the contrast of two sentences as a picture, or as a page with the picture."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from elmo_tasks.analysis.contrast import Contrast
from elmo_tasks.core.files import SIGNATURE, write_text
from elmo_tasks.core.html import render
from elmo_tasks.core.terminal import printable
from elmo_tasks.views.drawing import drawing, save_picture
from elmo_tasks.views.tables import STATIC

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_AROUND = 12  # number of tokens shown on either side of the word


def write_contrast(found: Contrast, path: Path) -> None:
    """Write `path`, a .png, .svg or self-contained .html file. Raises InputError if it cannot be written."""
    with drawing():
        figure = _figure(found)
        if path.suffix != ".html":
            save_picture(figure, path, dpi=130)
            return
        drawn = io.StringIO()
        figure.savefig(drawn, format="svg")
    page = render(
        "views/contrast.html",
        signature=SIGNATURE,
        word=found.word,
        sentences=list(zip(found.sentences, found.positions, strict=True)),
        cosines=found.cosines,
        static=STATIC,
        picture=Markup(drawn.getvalue()[drawn.getvalue().index("<svg") :]),
    )
    write_text(path, page)


def _figure(found: Contrast) -> Figure:
    """Draw the cosine of the word by layer on the left, then a table of the surrounding tokens for each layer."""
    from matplotlib.figure import Figure

    layers = len(found.cosines)
    rows, columns = (
        slice(max(0, place - _AROUND), min(len(tokens), place + _AROUND + 1))
        for tokens, place in zip(found.sentences, found.positions, strict=True)
    )
    first, second = found.sentences[0][rows], found.sentences[1][columns]
    width, height = 0.34 * len(second) + 0.6, max(3.4, 0.27 * len(first) + 1.6)
    figure = Figure(figsize=(3.4 + layers * max(2.4, width), height), layout="constrained")
    panels = figure.subplots(1, layers + 1, width_ratios=[2.6, *[max(2.4, width)] * layers])
    _bars(panels[0], found)
    for layer, axes in enumerate(panels[1:]):
        axes.imshow(found.tables[layer, rows, columns].numpy(), vmin=-0.2, vmax=1, cmap="viridis", aspect="auto")
        axes.set_title(f"layer {layer}")
        axes.set_xticks(range(len(second)), _short(second), rotation=90)
        axes.set_yticks(range(len(first)), _short(first) if layer == 0 else [])
        _frame(axes, found.positions[0] - rows.start, found.positions[1] - columns.start)
    figure.colorbar(panels[-1].images[0], ax=panels[1:], label="cosine", fraction=0.03)
    return figure


def _bars(axes: Any, found: Contrast) -> None:
    names = [f"layer {layer}" for layer in range(len(found.cosines))]
    bars = axes.bar([*names, "GloVe"], [*found.cosines, STATIC], color=["tab:blue"] * len(names) + ["0.75"])
    axes.bar_label(bars, fmt="%.2f", padding=2)
    axes.set_ylim(min(0, *found.cosines) * 1.15, 1.12)
    axes.set_ylabel("cosine")
    axes.set_title(f"{_short([found.word])[0]}, once in each sentence", fontsize="medium")
    axes.tick_params(axis="x", rotation=45)
    axes.spines[["top", "right"]].set_visible(False)


def _frame(axes: Any, row: int, column: int) -> None:
    """Draw a frame around the cell of the word."""
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor="tab:red", linewidth=2))


def _short(tokens: Iterable[str]) -> list[str]:
    """Tokens as labels, truncated if they are long."""
    return [token if len(token) <= 16 else token[:15] + "…" for token in map(printable, tokens)]
