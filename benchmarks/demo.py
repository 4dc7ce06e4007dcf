"""Response time of the page of `elmo-tasks demo`, over its HTTP API and as seen in a browser.

    python benchmarks/demo.py runs/ner runs/sentiment runs/srl --output results/benchmark-demo.json

The command serves the runs in a separate process. It is sent sentences of 20 tokens of the sample corpus, a different
one each time, so that every answer runs the biLM: a few to warm up, then `--rounds` over HTTP, from the request to the
last byte of the HTML, then as many in headless Chromium, from Enter to the painted answer.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from elmo_tasks.core.files import read_json, write_json
from elmo_tasks.data.catalog import load_data
from elmo_tasks.runs.collect import circumstances, without_folders
from elmo_tasks.task import load_task

TOKENS, WARM = 20, 5
BAR_MS = 300.0  # for all three tasks, median of 50, warm, two cores

# Measured in the page: from the Enter key to the first frame after the answer has changed.
WATCH = """() => {
  window.took = [];
  const shown = () => document.querySelector("#answer").innerHTML;
  let begun = null, last = shown();
  document.querySelector("#text").addEventListener("keydown", (event) => {
    if (event.key === "Enter") begun = performance.now();
  }, true);
  new MutationObserver(() => {
    if (begun === null) return;
    const now = shown();
    if (!now || now === last) return;
    const since = begun;
    last = now;
    begun = null;
    requestAnimationFrame(() => setTimeout(() => window.took.push(performance.now() - since)));
  }).observe(
    document.querySelector("#answer"), {childList: true, subtree: true, characterData: true, attributes: true});
}"""


def sentences() -> list[str]:
    """Distinct sentences of 20 tokens: the beginnings of long sentences of the sample."""
    splits = load_data("sample", load_task("ner").read)
    every = [example.tokens for split in ("train", "dev", "test") for example in splits.get(split)]
    return list(dict.fromkeys(" ".join([*tokens[: TOKENS - 1], "."]) for tokens in every if len(tokens) >= TOKENS))


@contextmanager
def served(runs: Sequence[str]) -> Iterator[str]:
    """Serve the page and yield its address."""
    command = [sys.executable, "-m", "elmo_tasks", "demo", *runs, "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            found = re.search(r"http://\S+", server.stdout.readline())
            assert found, "the page was not served"
            yield found[0]
        finally:
            server.terminate()


def over_http(address: str, texts: Sequence[str]) -> tuple[list[float], list[int]]:
    """Milliseconds per answer, and the number of predicates in each."""
    took, frames = [], []
    for text in texts:
        body = json.dumps({"text": text, "tokenised": True}).encode()
        request = urllib.request.Request(f"{address}answer", body, {"Content-Type": "application/json"})
        started = time.perf_counter()
        with urllib.request.urlopen(request) as answered:
            said = answered.read().decode()
        took.append(1000 * (time.perf_counter() - started))
        frames.append(said.count('class="frame"'))
        assert "Which tokens are alike?" in said
    return took[WARM:], frames[WARM:]


def in_browser(address: str, texts: Sequence[str], chromium: str) -> list[float]:
    """Milliseconds per answer in the browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.goto(address)
        page.locator("#answer .card").first.wait_for()
        page.locator("#tokenised").check()
        page.wait_for_timeout(1000)  # the answer to that
        page.evaluate(WATCH)
        for number, text in enumerate(texts, 1):
            page.locator("#text").fill(text)
            page.keyboard.press("Enter")
            page.wait_for_function("count => window.took.length === count", arg=number)
        took: list[float] = page.evaluate("window.took")
        browser.close()
    return took[WARM:]


def figures(took: Sequence[float]) -> dict[str, Any]:
    """Summary statistics of the response times, in milliseconds."""
    return {
        "answers": len(took),
        "median_ms": round(median(took), 1),
        "ninth_decile_ms": round(quantiles(took, n=10)[-1], 1),
        "longest_ms": round(max(took), 1),
        "all_ms": [round(value, 1) for value in took],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", metavar="RUN", nargs="+")
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    texts, count = sentences(), WARM + options.rounds
    assert len(texts) >= 2 * count, f"the sample has {len(texts)} different sentences, but {2 * count} are needed"
    chromium = shutil.which("chromium")
    with served(options.runs) as address:
        took, frames = over_http(address, texts[:count])
        seen = None if chromium is None else in_browser(address, texts[count : 2 * count], chromium)
    metrics = [read_json(Path(run) / "metrics.json") for run in options.runs]
    record = {
        "benchmark": "demo",
        "command": f"python benchmarks/demo.py {' '.join(Path(run).name for run in options.runs)}",
        "served": [{key: found[key] for key in ("task", "data", "embedders")} for found in metrics],
        "tokens_a_sentence": TOKENS,
        "predicates_a_sentence": round(sum(frames) / len(frames), 2),
        "bar_ms": BAR_MS,
        "over_http": figures(took),
        "in_browser": None if seen is None else figures(seen),
        "cores": len(os.sched_getaffinity(0)),
        **circumstances(time.time()),
    }
    record["versions"] |= {"uvicorn": version("uvicorn"), "playwright": version("playwright")}
    write_json(options.output, without_folders(record))
    for name, found in (("over HTTP", took), ("in the browser", seen or [])):
        print(f"{name}: median {median(found):.0f} ms of {len(found)}" if found else f"{name}: not measured")


if __name__ == "__main__":
    main()
