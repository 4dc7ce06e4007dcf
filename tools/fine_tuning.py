"""What fine-tuning the biLM on a domain changed, as tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from elmo_tasks.core.markdown import code, markdown_table
from elmo_tasks.metrics.spread import interval, probability, spread

RECORD = "fine-tuning-research.json"


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
