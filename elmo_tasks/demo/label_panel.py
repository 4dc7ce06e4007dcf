"""A sentence's label as HTML: a bar a label."""

from __future__ import annotations

from collections.abc import Mapping

from elmo_tasks.demo.figures import per_cent, word

EXPLANATION = "Per cent: the softmax probability of the label; nothing has calibrated it."


def label_panel(probabilities: Mapping[str, float]) -> str:
    """The likeliest label, and the probabilities of all of them in their own order."""
    best = max(probabilities, key=probabilities.__getitem__)
    rows = "".join(
        f'<div class="bar{" best" if label == best else ""}"><span class="name">{word(label)}</span>'
        f'<span class="track"><i style="width:{100 * probability:.2f}%"></i></span>'
        f'<span class="value">{per_cent(probability)}</span></div>'
        for label, probability in probabilities.items()
    )
    return f'<p class="verdict">{word(best)}</p><div class="bars">{rows}</div><p class="fine">{EXPLANATION}</p>'
