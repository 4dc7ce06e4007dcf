"""Memory of `elmo-tasks embed` by the number of tokens processed.

    python benchmarks/embed_memory.py --text 'text/*.xz' --tokens 1000000 --output results/benchmark-embed-memory.json

The first `--tokens` tokens of the text are embedded (all layers, float32) by the function of the command in this
process; after each block, the current and the peak memory of the process are recorded. A plot is written beside the
record.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch

from elmo_tasks.core.memory import peak_rss_mb, rss_mb
from elmo_tasks.corpus_vectors.block_embedder import Recipe
from elmo_tasks.corpus_vectors.embedding import embed_corpus
from elmo_tasks.data.lines import open_lines
from elmo_tasks.pretraining.corpus import corpus_files

SETTLED = 50_000  # tokens after which memory must not grow


def write_text(patterns: Sequence[str], tokens: int, path: Path) -> int:
    """Write the first `tokens` tokens of the files, one sentence per line. Returns the number of tokens."""
    written = 0
    with path.open("w", encoding="utf-8") as file:
        for source in corpus_files(patterns):
            for _, line in open_lines(source):
                words = line.split()[: tokens - written]
                written += len(words)
                if words:
                    file.write(" ".join(words) + "\n")
                if written == tokens:
                    return written
    return written


def draw(rows: list[dict[str, float]], path: Path) -> None:
    """Plot memory against tokens: first the computation, then the merging at the end."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.5), layout="constrained")
    axes = figure.subplots()
    total = max(row["tokens"] for row in rows)
    for key, label in (("peak_rss_mb", "peak"), ("rss_mb", "current")):
        axes.plot([row["place"] / 1e3 for row in rows], [row[key] for row in rows], label=label)
    axes.axvline(SETTLED / 1e3, color="grey", linewidth=0.8, linestyle=":")
    axes.axvline(total / 1e3, color="grey", linewidth=0.8)
    axes.set(xlabel="thousand tokens computed, then (right of the line) merged", ylabel="MB", ylim=(0, None))
    axes.legend(loc="lower right")
    figure.savefig(path, dpi=150)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", nargs="+", required=True, metavar="GLOB")
    parser.add_argument("--tokens", type=int, default=1_000_000)
    parser.add_argument("--embedder", default="elmo")
    parser.add_argument("--format", default="hdf5", metavar="EXTENSION")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    rows: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as scratch:
        text = Path(scratch) / "text.txt"
        tokens = write_text(options.text, options.tokens, text)

        def watch(stage: str, done: int, total: int) -> None:
            place = done if stage == "computing" else total + done
            memory = {"rss_mb": rss_mb(), "peak_rss_mb": peak_rss_mb()}
            rows.append({"stage": stage, "tokens": done, "place": place, **memory})  # type: ignore[dict-item]
            print(
                f"{stage} {done:9,d}  {memory['rss_mb']:7.0f} MB, at most {memory['peak_rss_mb']:7.0f} MB", flush=True
            )

        recipe = Recipe(options.embedder, threads=torch.get_num_threads())
        done = embed_corpus(text, Path(scratch) / f"out.{options.format}", recipe, watch=watch)
        size = sum(path.stat().st_size for path in done.files)
    settled = max(row["peak_rss_mb"] for row in rows if row["place"] <= SETTLED)
    record = {
        "benchmark": "embed-memory",
        "embedder": options.embedder,
        "format": options.format,
        "text": [Path(pattern).name for pattern in options.text],
        "tokens": tokens,
        "sentences": done.sentences,
        "output_bytes": size,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "tokens_per_second": done.computed / done.seconds,
        "peak_rss_mb": rows[-1]["peak_rss_mb"],
        "peak_rss_mb_after_50000_tokens": settled,
        "growth_mb_after_50000_tokens": rows[-1]["peak_rss_mb"] - settled,
        "rows": rows,
    }
    options.output.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    draw(rows, options.output.with_suffix(".png"))
    print(
        f"peak {record['peak_rss_mb']:.0f} MB over {tokens:,d} tokens; {settled:.0f} MB of it after the first "
        f"{SETTLED:,d}, {record['growth_mb_after_50000_tokens']:.0f} MB later"
    )


if __name__ == "__main__":
    main()
