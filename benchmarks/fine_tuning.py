"""Effects of fine-tuning a biLM on text of a domain: perplexities and task scores before and after.

    elmo-tasks pretrain --corpus 'reviews/*.xz' --config configs/pretrain/shipped.yaml --init shipped --output tuned
    elmo-tasks benchmark ner sentiment --embedders elmo elmo:tuned --seeds 3 --output tuned-or-not
    python benchmarks/fine_tuning.py tuned --heldout reviews.xz general.xz --runs tuned-or-not --output FILE.json

Every row of the benchmark with the fine-tuned biLM (`elmo:tuned`) is compared with the one that has `elmo` instead: the
same task, data, seeds and other embedders. Perplexities use the full softmax over the common vocabulary.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from elmo_tasks.benchmark.record import REPLICATES
from elmo_tasks.benchmark.rows import Run, compare_runs, in_rows, read_runs
from elmo_tasks.core.files import read_json, write_text
from elmo_tasks.pretraining.evaluation import evaluate_bilm
from elmo_tasks.runs.collect import circumstances, without_folders

BEFORE, AFTER = "elmo", "elmo:"


def compared(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """The rows with a fine-tuned biLM, each with its scores and those of the same row with `elmo`."""
    rows = in_rows(runs)
    found = []
    for (task, data, fraction, names), after in rows.items():
        former = tuple(BEFORE if name.startswith(AFTER) else name for name in names)
        before = rows.get((task, data, fraction, former), [])
        comparison = compare_runs(after, before, REPLICATES) if former != names else None
        if comparison is None:
            continue
        headline = after[0].metrics["headline"]
        sides = {
            side: {split: [run.metrics[split][headline] for run in group] for split in ("dev", "test")}
            for side, group in (("before", before), ("after", after))
        }
        row = {"task": task, "data": data, "fraction": fraction, "embedders": former, "headline": headline}
        found.append(row | sides | comparison)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tuned", type=Path, help="the fine-tuned biLM's folder")
    parser.add_argument("--heldout", nargs="+", type=Path, required=True, help="texts on which perplexity is measured")
    parser.add_argument("--runs", type=Path, required=True, help="the benchmark's folder")
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()
    trained = read_json(args.tuned / "metrics.json")
    stage = trained["stages"][-1]
    texts = {}
    for text in args.heldout:
        names = {"before": stage["init"], "after": str(args.tuned)}
        sides = {side: evaluate_bilm(name, text) for side, name in names.items()}
        texts[text.name.split(".")[0]] = {
            side: dataclasses.asdict(found) | {"mean": found.mean} for side, found in sides.items()
        }
        print(f"{text}: perplexity {sides['before'].mean:.2f} before, {sides['after'].mean:.2f} after")
    record = {
        "stage": stage,
        "peak_rss_mb": trained["peak_rss_mb"],
        "curve": trained["curve"],
        "perplexity": texts,
        "tasks": compared(read_runs(args.runs)),
    }
    whole = without_folders(record) | circumstances((args.tuned / "metrics.json").stat().st_mtime)
    write_text(args.output, json.dumps(whole, indent=1) + "\n")
    print(f"written to {args.output}")


if __name__ == "__main__":
    main()
