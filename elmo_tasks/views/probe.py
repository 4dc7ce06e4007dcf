"""Show the results of a probing run: its files, its table in Markdown and on the terminal, and its picture."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.files import json_keys, write_json, write_text
from elmo_tasks.core.markdown import code, escape, markdown_table
from elmo_tasks.core.outputs import output_file
from elmo_tasks.metrics.spread import spread
from elmo_tasks.runs.collect import circumstances, without_folders
from elmo_tasks.views.drawing import drawing, save_picture
from elmo_tasks.views.palette import LIGHT, styles
from elmo_tasks.views.tables import print_line, print_table


def probe_stem(record: Mapping[str, Any]) -> str:
    """The name of a probe's files: `probe-ud-ewt-pos`, with `-column3` if it is not the usual column of the data."""
    usual = {"pos": 2, "chunk": 3, "srl": 5}.get(record["probe"])
    column = record.get("column")
    return f"probe-{record['data']}" + (f"-column{column}" if column not in (None, usual) else "")


@contextmanager
def claimed_probe_files(folder: Path, stem: str, overwrite: bool) -> Iterator[None]:
    """Lock the three files of a probe while it runs.

    Raises:
        InputError: a file must not be replaced, is being written by another process, or cannot be written.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: is a file, not a folder; choose another --output")
    with ExitStack() as stack:
        record = folder / f"{stem}.json"
        for suffix in (".json", ".md", ".png"):  # table and picture are ours if the record next to them is
            path = folder / f"{stem}{suffix}"
            stack.enter_context(output_file(path, overwrite=overwrite, is_ours=lambda _: _is_record(record)))
        yield


def _is_record(path: Path) -> bool:
    return {"probe", "data", "command", "seconds"} <= json_keys(path)


def write_probe(folder: Path, record: Mapping[str, Any], command: str, seconds: float) -> dict[str, Any]:
    """Write `STEM.json`, `STEM.md` and `STEM.png` into `folder`; returns the complete record."""
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
    """The record as a Markdown table with a title line."""
    head, rows = _rows(record)
    parts = [
        escape(_title(record)),
        markdown_table(head, rows).rstrip("\n"),
        escape(_note(record)),
        code(record["command"]),
    ]
    return "\n\n".join(parts) + "\n"


def print_probe(record: Mapping[str, Any], console: Console | None = None) -> None:
    """Print the same table."""
    console = console or Console()
    columns, rows = _rows(record)
    print_line(_title(record), console)
    texts = ("vectors", "layer", "learned mix")
    numbers = [place for place, name in enumerate(columns) if name not in texts]
    print_table(columns, rows, numbers=numbers, console=console)
    print_line(_note(record), console)


def draw_probe(record: Mapping[str, Any], path: Path) -> None:
    """Bars of test accuracy by layer and embedder, with the controls; for tags, selectivity next to them."""
    from matplotlib.container import BarContainer
    from matplotlib.figure import Figure

    tagged = record["probe"] not in ("senses", "wsd")
    embedders = list(dict.fromkeys(row["embedder"] for row in record["probes"]))
    colours = {names[0]: style.color for names, style in styles([name] for name in embedders).items()}
    with drawing():
        figure = Figure(figsize=(10.5 if tagged else 6.5, 4.2), layout="constrained")
        axes = figure.subplots(1, 2 if tagged else 1, squeeze=False)[0]
        _bars(axes[0], record, "test", colours)
        axes[0].set_ylabel("F1 on all test sets (%)" if record["probe"] == "wsd" else "test accuracy (%)")
        for name, value, style in _lines(record):
            axes[0].axhline(value, color="0.25", linestyle=style, linewidth=1.2, label=f"{name} ({value:.1f})")
        for entry in record["published"]:
            _published(axes[0], record, entry)
        handles, labels = axes[0].get_legend_handles_labels()
        bars = [isinstance(handle, BarContainer) for handle in handles]
        handles, labels = (
            [x for kind in (True, False) for x, bar in zip(y, bars, strict=True) if bar is kind]
            for y in (handles, labels)
        )
        if tagged:
            _bars(axes[1], record, "selectivity", colours)
            axes[1].set_ylabel("selectivity (points)")
        figure.suptitle(f"{record['data']}: {_bilm_name(record)}")
        figure.legend(handles, labels, loc="outside lower center", ncols=3 if tagged else 2, fontsize="small")
        save_picture(figure, path, dpi=130)


def _title(record: Mapping[str, Any]) -> str:
    if record["probe"] == "wsd":
        train, words = record["train"], record["words"]["all"]
        return (
            f"word senses of all words by nearest neighbour in SemCor ({train['words']} training words, "
            f"{train['senses']} senses, {words} test words), F1 in per cent"
        )
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
    note = f"Fingerprint of {_bilm_name(record)}: {record['bilm']['fingerprint']}."
    if record["probe"] == "wsd":
        unseen, unanswered, words = (record[key]["all"] for key in ("unseen", "unanswered", "words"))
        share = f"{unseen} of {words} test words ({100 * unseen / words:.1f} %)"
        return f"{note} The lemmas of {share} are not in SemCor; {unanswered} of these words got no answer."
    if record["probe"] == "senses":
        return f"{note} Lemmas without training occurrences: {record['unseen']} of the test's."
    heart = spread(record["majority"]["control"])
    return f"{note} Knowing every training word's control label by heart gives {heart} on the control task."


def _rows(record: Mapping[str, Any]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    if record["probe"] == "wsd":
        return _rows_by_set(record)
    if record["probe"] == "senses":
        rows: list[tuple[str, ...]] = [(row["embedder"], row["layer"], spread(row["test"])) for row in record["probes"]]
        rows.append(("first sense", "", spread([record["first_sense"]])))
        rows += [(_others(entry), k, f"{v}") for entry in record["published"] for k, v in entry["layers"].items()]
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
        wide += [(_others(entry), layer, "", f"{value}", "", "", "") for layer, value in entry["layers"].items()]
    return ("vectors", "layer", "dev", "test", "control task", "selectivity", "learned mix"), wide


def _rows_by_set(record: Mapping[str, Any]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Word senses of all words: one column per test set. Published results have only the last one."""
    sets = tuple(record["words"])
    rows: list[tuple[str, ...]] = [
        (row["embedder"], row["layer"], *(spread(row["sets"][name]) for name in sets)) for row in record["probes"]
    ]
    rows += [(name, "", *(spread([f1[key]]) for key in sets)) for name, f1 in record["first_sense"].items()]
    blank = [""] * (len(sets) - 1)
    for entry in record["published"]:
        rows.append((f"{entry['source']}: first sense", "", *blank, f"{entry['first_sense']}"))
        rows += [(entry["source"], layer, *blank, f"{value}") for layer, value in entry["layers"].items()]
    return ("vectors", "layer", *sets), rows


def _others(entry: Mapping[str, Any]) -> str:
    """The name of a published result in our tables."""
    return f"{entry['source']} (other data)"


def _bilm_name(record: Mapping[str, Any]) -> str:
    """The name of the biLM for titles."""
    name = record["bilm"]["name"]
    return "the biLM inside the package" if name in ("default", "shipped") else f"biLM {Path(name).name}"


def _places(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The bars from left to right: each embedder's layers in order."""
    return [(row["embedder"], row["layer"]) for row in record["probes"]]


def _bars(axes: Any, record: Mapping[str, Any], key: str, colours: Mapping[str, str]) -> None:
    """One bar per layer with its value at the bottom, gaps between embedders, and error bars over seeds."""
    places, at, before = [], 0.0, None
    for row in record["probes"]:
        at += 1.6 if before not in (None, row["embedder"]) else 1.0
        before = row["embedder"]
        places.append(at)
    shown: set[str] = set()
    for place, row in zip(places, record["probes"], strict=True):
        values = [100 * value for value in row[key]]
        mean = statistics.mean(values)
        error = statistics.stdev(values) if len(values) > 1 else 0.0
        name = row["embedder"] if row["embedder"] not in shown else None
        shown.add(row["embedder"])
        axes.bar(place, mean, 0.86, color=colours[row["embedder"]], yerr=error or None, capsize=3, label=name)
        # At the bottom, where no lines or markers cross it.
        ink = "0.15" if colours[row["embedder"]] in LIGHT else "white"
        axes.annotate(f"{mean:.1f}", (place, 0), (0, 4), textcoords="offset points", ha="center", fontsize=9, color=ink)
    axes.set_xticks(places, [row["layer"] for row in record["probes"]])
    axes.set_xlabel("layer")
    values = [100 * value for row in record["probes"] for value in row[key]]
    axes.set_ylim(min(0.0, 1.18 * min(values)), max(1.0, 1.1 * max(values)))
    axes.spines[["top", "right"]].set_visible(False)


def _lines(record: Mapping[str, Any]) -> list[tuple[str, float, str]]:
    if record["probe"] == "senses":
        return [("first sense", 100 * record["first_sense"], "--")]
    if record["probe"] == "wsd":
        return [
            (name, 100 * f1["all"], style)
            for (name, f1), style in zip(record["first_sense"].items(), ("--", ":"), strict=False)
        ]
    majority = record["majority"]
    return [
        ("each word's most frequent tag", 100 * majority["word"]["test"], "--"),
        ("most frequent tag", 100 * majority["tag"]["test"], ":"),
    ]


def _published(axes: Any, record: Mapping[str, Any], entry: Mapping[str, Any]) -> None:
    """Draw published results as markers over the layers of the biLM, only for orientation because the data differs."""
    first = record["probes"][0]["embedder"]
    ticks = axes.get_xticks()
    marks = [
        (tick, entry["layers"][layer])
        for tick, (embedder, layer) in zip(ticks, _places(record), strict=True)
        if embedder == first and layer in entry["layers"]
    ]
    if marks:
        axes.plot(
            *zip(*marks, strict=True),
            "D",
            color="white",
            markeredgecolor="black",
            markersize=6,
            label=entry["source"] if record["probe"] == "wsd" else _others(entry),
        )
        axes.set_ylim(top=max(axes.get_ylim()[1], 1.05 * max(value for _, value in marks)))
