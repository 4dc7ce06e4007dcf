"""Tables about the bundled biLM: its training, and the effects of fine-tuning it on a domain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from elmo_tasks.core.markdown import code, markdown_table
from elmo_tasks.metrics.spread import interval, probability, spread

TRAINING, FINE_TUNING = "pretraining-shipped.json", "fine-tuning-research.json"


def bilm_table(record: Mapping[str, Any]) -> str:
    """Markdown: its training text, its perplexities and a trigram's. record: as in `results/`, with its `file`."""
    stages = record["stages"]
    epochs = sum(stage["epochs"] for stage in stages)
    corpus = f"{stages[0]['corpus_tokens']:,} tokens, {stages[0]['corpus_sentences']:,} sentences"
    rows = [
        ("training text", corpus),
        ("epochs", f"{epochs:.2f}, in {len(stages)} stage{'s' if len(stages) > 1 else ''}"),
        ("vocabulary of the softmax", f"{record['vocabulary']:,} words"),
        ("held-out text", record["heldout"]),
        ("out-of-vocabulary tokens in it", f"{100 * record['heldout_unknown']:.1f} %"),
        ("held-out perplexity, mean of both directions", f"{record['heldout_perplexity']:.1f}"),
        ("perplexity, forward", f"{record['heldout_forward']:.1f}"),
        ("perplexity, backward", f"{record['heldout_backward']:.1f}"),
        ("perplexity of a trigram model", f"{record['trigram_perplexity']:.1f}"),
        ("record", code(record["file"])),
    ]
    return markdown_table(("", ""), rows)


def fine_tuning_table(record: Mapping[str, Any]) -> str:
    """Markdown: perplexities and scores before and after. record: of `benchmarks/fine_tuning.py`, with its `file`."""
    stage = record["stage"]
    words = stage["epochs"] * stage["corpus_tokens"]
    rows = []
    for text, found in record["perplexity"].items():
        before, after = (found[side]["mean"] for side in ("before", "after"))
        gain = f"{100 * (after / before - 1):+.1f} %"
        rows.append((f"perplexity of {text}", f"{before:.1f}", f"{after:.1f}", gain, ""))
    for row in record["tasks"]:
        name = f"{row['task']}, {row['data']}, {' '.join(row['embedders'])}: test {row['headline']}"
        before, after = (spread(row[side]["test"]) for side in ("before", "after"))
        gain, chance = f"{100 * row['difference']:+.2f}", ""
        if row["p"] is not None:
            gain += f" ({interval(row['low'], row['high'])})"
            chance = probability(row["p"])
        rows.append((name, before, after, gain, chance))
    about = f"\n{words:,.0f} tokens read, {len(record['tasks'][0]['seeds'])} seeds; {code(record['file'])}.\n"
    return markdown_table(("measured", "before", "after", "difference (95 %)", "p"), rows) + about
