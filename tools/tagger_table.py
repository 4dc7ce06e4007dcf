"""The table of the bundled taggers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from elmo_tasks.core.markdown import code, markdown_table
from tools.taggers import RECIPES


def taggers_table(record: Mapping[str, Any]) -> str:
    """Markdown, one row per tagger and corpus. record: `results/taggers.json`."""
    rows = []
    for name, found in record["taggers"].items():
        for corpus in RECIPES[name].corpora:
            score = f"{found['headline'].replace('f1', 'F1')} {100 * found['test'][corpus.place]:.2f}"
            rows.append(
                (code(name), corpus.title, score, f"{found['bytes'] / 1e6:.1f} MB", " + ".join(found["embedders"]))
            )
    return markdown_table(("tagger", "test data", "score (%)", "size", "embedders"), rows)
