"""The training of the biLM inside the package, as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from elmo_tasks.core.markdown import code, markdown_table

RECORD = "pretraining-shipped.json"


def bilm_table(record: Mapping[str, Any]) -> str:
    """Markdown: what it read, and its perplexities beside a trigram's. record: as in `results/`, with its `file`."""
    stages = record["stages"]
    epochs = sum(stage["epochs"] for stage in stages)
    corpus = f"{stages[0]['corpus_tokens']:,} tokens, {stages[0]['corpus_sentences']:,} sentences"
    rows = [
        ("text", corpus),
        ("read", f"{epochs:.2f} times, in {len(stages)} stage{'s' if len(stages) > 1 else ''}"),
        ("vocabulary of the softmax", f"{record['vocabulary']:,} words"),
        ("held-out text", record["heldout"]),
        ("unknown words in it", f"{100 * record['heldout_unknown']:.1f} %"),
        ("perplexity, mean of both directions", f"{record['heldout_perplexity']:.1f}"),
        ("forward", f"{record['heldout_forward']:.1f}"),
        ("backward", f"{record['heldout_backward']:.1f}"),
        ("trigram", f"{record['trigram_perplexity']:.1f}"),
        ("record", code(record["file"])),
    ]
    return markdown_table(("", ""), rows)
