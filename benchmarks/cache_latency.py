"""The cost of a call of the cache when every call has one new sentence, as on a server.

    python benchmarks/cache_latency.py --calls 10000 --output results/benchmark-cache-latency.json

The embedder returns random vectors, so only the cache is measured. Milliseconds are processor time. The record also has
the largest number of files in the folder at any time.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from pathlib import Path

from elmo_tasks.embedders.cache.cached import CachedEmbedder
from elmo_tasks.embedders.random import RandomEmbedder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--tokens", type=int, default=20, help="per sentence")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        cached = CachedEmbedder(RandomEmbedder(256), Path(scratch))
        spent, most = [], 0
        for number in range(options.calls):
            sentence = [f"w{(number + place) % 500}" for place in range(options.tokens - 1)] + [f"{number}"]
            started = time.process_time()
            cached.embed([sentence])
            spent.append(1e3 * (time.process_time() - started))
            if number % 50 == 0:
                most = max(most, len(os.listdir(cached.folder)))  # noqa: PTH208
        part = max(1, options.calls // 10)
        record = {
            "benchmark": "cache-latency",
            "calls": options.calls,
            "tokens_per_sentence": options.tokens,
            "median_ms_of_first_tenth": statistics.median(spent[:part]),
            "median_ms_of_last_tenth": statistics.median(spent[-part:]),
            "p99_ms_of_first_tenth": sorted(spent[:part])[int(0.99 * part)],
            "p99_ms_of_last_tenth": sorted(spent[-part:])[int(0.99 * part)],
            "most_ms": max(spent),
            "most_files": most,
            "files": len(os.listdir(cached.folder)),  # noqa: PTH208
            "bytes": sum(path.stat().st_size for path in cached.folder.iterdir()),
        }
    print(json.dumps(record, indent=2))
    if options.output is not None:
        options.output.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
