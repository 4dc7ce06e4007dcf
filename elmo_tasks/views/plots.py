"""Draw the pictures of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from elmo_tasks.views.drawing import drawing, save_picture

_LOSS, _SCORE, _BEST = "0.55", "#00508C", "#B94A00"


@drawing()
def draw_run(folder: Path, history: Sequence[Mapping[str, float]], metrics: Mapping[str, Any]) -> None:
    """Write the pictures of a run into `folder`.

    These are `learning_curve.png`, `mix_weights.png` if layers were mixed, and `confusion_matrix.png` for the test
    split if its scores have one.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    epochs = [row["epoch"] for row in history]
    figure = Figure(figsize=(6, 4), layout="constrained")
    left = figure.add_subplot()
    left.plot(epochs, [row["loss"] for row in history], color=_LOSS, marker=".", label="training loss")
    left.set_xlabel("epoch")
    left.set_ylabel("training loss")
    left.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    right = left.twinx()
    name = f"dev {str(metrics.get('selected_by', metrics.get('headline', 'score'))).replace('_', ' ')}"
    right.plot(epochs, [row["dev"] for row in history], color=_SCORE, marker="o", label=name)
    for row in history:
        if row["epoch"] == metrics.get("best_epoch"):
            right.plot(row["epoch"], row["dev"], "*", color=_BEST, markersize=14, label="best epoch", linestyle="none")
    right.set_ylabel(name)
    figure.legend(loc="outside upper center", ncols=3)
    save_picture(figure, folder / "learning_curve.png")
    if mix := metrics["mix"]:
        _draw_mix(mix, folder / "mix_weights.png")
    confusion = metrics.get("test", {}).get("confusion")
    if isinstance(confusion, Mapping) and confusion.keys() >= {"labels", "counts"} and confusion["labels"]:
        draw_confusion(folder / "confusion_matrix.png", confusion["labels"], confusion["counts"])


def _draw_mix(mix: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    """Draw bars from an equal share upwards or downwards, on an axis that shows the differences."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(1.5 + 2.7 * len(mix), 3.5), layout="constrained")
    for position, (name, learned) in enumerate(mix.items(), 1):
        axes = figure.add_subplot(1, len(mix), position)
        weights = learned["weights"]
        equal = 1 / len(weights)
        reach = 1.25 * max(0.02, *(abs(weight - equal) for weight in weights))
        axes.bar(
            [str(layer) for layer in range(len(weights))],
            [weight - equal for weight in weights],
            bottom=equal,
            color=[_SCORE if weight > equal else _BEST for weight in weights],
        )
        for layer, weight in enumerate(weights):
            up = weight > equal
            axes.annotate(
                f"{weight:.3f}",
                (layer, weight),
                (0, 3 if up else -3),
                textcoords="offset points",
                ha="center",
                va="bottom" if up else "top",
                fontsize=8,
            )
        axes.axhline(equal, color=_LOSS, linestyle="--", linewidth=1)
        axes.set_ylim(equal - reach, equal + reach)
        axes.set_xlabel(f"layer (dashed: an equal share, 1/{len(weights)})")
        axes.set_ylabel("learned weight")
        axes.set_title(f"{name}, gamma {learned['gamma']:.2f}")
    save_picture(figure, path)


@drawing()
def draw_confusion(path: Path, labels: Sequence[str], counts: Sequence[Sequence[int]]) -> None:
    """Draw counts (K, K) with one row per gold label, shaded by their fraction of the row."""
    from matplotlib.figure import Figure

    shares = [[count / max(1, sum(row)) for count in row] for row in counts]
    size = 2.5 + 0.6 * len(labels)
    figure = Figure(figsize=(size, size), layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(labels)), labels, rotation=90 if max(map(len, labels)) > 4 else 0)
    axes.set_yticks(range(len(labels)), labels)
    axes.set_xlabel("predicted")
    axes.set_ylabel("gold")
    for row, line in enumerate(counts):
        for column, count in enumerate(line):
            colour = "white" if shares[row][column] > 0.5 else "black"
            axes.text(column, row, str(count), ha="center", va="center", color=colour)
    save_picture(figure, path)


@drawing()
def draw_pretraining(folder: Path, curve: Sequence[Mapping[str, float]]) -> None:
    """Write `pretraining.png`: training loss, and held-out perplexity if it was measured, by tokens seen."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    left = figure.add_subplot()
    millions = [row["tokens"] / 1e6 for row in curve if "loss" in row]
    left.plot(millions, [row["loss"] for row in curve if "loss" in row], color=_LOSS, label="training loss")
    left.set_xlabel("million tokens seen")
    left.set_ylabel("sampled-softmax loss (nats)")
    measured = [row for row in curve if "heldout_forward" in row]
    if measured:
        right = left.twinx()
        for direction, colour in (("forward", _SCORE), ("backward", _BEST)):
            right.plot(
                [row["tokens"] / 1e6 for row in measured],
                [row[f"heldout_{direction}"] for row in measured],
                color=colour,
                marker="o",
                label=f"held-out perplexity, {direction}",
            )
        right.set_ylabel("held-out perplexity")
        right.set_yscale("log")
    figure.legend(loc="outside upper center", ncols=3)
    save_picture(figure, folder / "pretraining.png")
