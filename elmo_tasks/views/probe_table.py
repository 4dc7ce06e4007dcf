"""What a probing run found: its files, its Markdown table and the same on screen."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.files import json_keys, write_json, write_text
from elmo_tasks.core.outputs import output_file
from elmo_tasks.metrics.spread import spread
from elmo_tasks.runs.collect import circumstances, without_folders
from elmo_tasks.views.probe_picture import bilm_name, draw_probe, others


def probe_stem(record: Mapping[str, Any]) -> str:
    """The name of a probe's files: `probe-ud-ewt-pos`, with `-column3` where it is not the data set's usual one."""
    usual = {"pos": 2, "chunk": 3, "srl": 5}.get(record["probe"])
    column = record.get("column")
    return f"probe-{record['data']}" + (f"-column{column}" if column not in (None, usual) else "")


@contextmanager
def claimed_probe_files(folder: Path, stem: str, overwrite: bool) -> Iterator[None]:
    """Hold the three files of a probe while it runs.

    Raises:
        InputError: a file that may not be replaced, another process that writes it, or nothing can be written.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: expected a folder, got a file; choose another --output")
    with ExitStack() as stack:
        record = folder / f"{stem}.json"
        for suffix in (".json", ".md", ".png"):  # the table and the picture are ours if the record next to them is
            path = folder / f"{stem}{suffix}"
            stack.enter_context(output_file(path, overwrite=overwrite, is_ours=lambda _: _is_record(record)))
        yield


def _is_record(path: Path) -> bool:
    return {"probe", "data", "command", "seconds"} <= json_keys(path)


def write_probe(folder: Path, record: Mapping[str, Any], command: str, seconds: float) -> dict[str, Any]:
    """Write `STEM.json`, `STEM.md` and `STEM.png` into `folder`; returns the whole record."""
    whole: dict[str, Any] = {
        **without_folders(dict(record)),
        "command": without_folders(command),
        "seconds": round(seconds, 1),
        **circumstances(time.time()),
    }
    stem = probe_stem(record)
    write_json(folder / f"{stem}.json", whole)
    write_text(folder / f"{stem}.md", probe_markdown(whole))
    draw_probe(whole, folder / f"{stem}.png")
    return whole


def probe_markdown(record: Mapping[str, Any]) -> str:
    """The record as a Markdown table under a line that says what it is."""
    head, rows = _rows(record)
    lines = [_title(record), "", f"| {' | '.join(head)} |", "| --- " * len(head) + "|"]
    lines += [f"| {' | '.join(cells)} |" for cells in rows]
    return "\n".join([*lines, "", _note(record), "", f"`{record['command']}`"]) + "\n"


def print_probe(record: Mapping[str, Any], console: Console | None = None) -> None:
    """The same table on screen."""
    console = console or Console()
    head, rows = _rows(record)
    console.print(_title(record), soft_wrap=True, highlight=False)
    table = Table()
    for column in head:
        table.add_column(column, justify="left" if column in ("vectors", "layer", "learned mix") else "right")
    for cells in rows:
        table.add_row(*cells)
    console.print(table)
    console.print(_note(record), soft_wrap=True, highlight=False)


def _title(record: Mapping[str, Any]) -> str:
    if record["probe"] == "senses":
        sizes = f"{record['lemmas']} words, {record['occurrences']['test']} test occurrences"
        what = "word senses by nearest neighbour"
    else:
        sizes = f"{len(record['labels'])} tags, {record['tokens']['test']} test tokens"
        what = "linear probes"
    several = len(record["seeds"])
    seeds = f", {several} seeds" if several > 1 else ""
    return f"{what}: {record['data']} ({sizes}{seeds}), accuracy in per cent"


def _note(record: Mapping[str, Any]) -> str:
    note = f"Fingerprint of {bilm_name(record)}: {record['bilm']['fingerprint']}."
    if record["probe"] == "senses":
        return f"{note} Lemmas without training occurrences: {record['unseen']} of the test's."
    heart = spread(record["majority"]["control"])
    return f"{note} Knowing every training word's control label by heart gives {heart} on the control task."


def _rows(record: Mapping[str, Any]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    if record["probe"] == "senses":
        rows: list[tuple[str, ...]] = [(row["embedder"], row["layer"], spread(row["test"])) for row in record["probes"]]
        rows.append(("first sense", "", spread([record["first_sense"]])))
        rows += [(others(entry), k, f"{v}") for entry in record["published"] for k, v in entry["layers"].items()]
        return ("vectors", "layer", "test"), rows
    wide: list[tuple[str, ...]] = []
    for row in record["probes"]:
        mix = " ".join(f"{statistics.mean(layer):.2f}" for layer in zip(*row.get("mix", []), strict=True))
        scores = (spread(row[key]) for key in ("dev", "test", "control", "selectivity"))
        wide.append((row["embedder"], row["layer"], *scores, mix))
    for name, key in (("each word's most frequent tag", "word"), ("most frequent tag", "tag")):
        found = record["majority"][key]
        wide.append((name, "", spread([found["dev"]]), spread([found["test"]]), "", "", ""))
    for entry in record["published"]:
        wide += [(others(entry), layer, "", f"{value}", "", "", "") for layer, value in entry["layers"].items()]
    return ("vectors", "layer", "dev", "test", "control task", "selectivity", "learned mix"), wide
