"""The report, in all its formats, for cells with known results."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from markdown_it import MarkdownIt

from elmo_tasks.benchmark.record import KIND, benchmark_record
from elmo_tasks.benchmark.report import write_report
from elmo_tasks.benchmark.sheet import notes
from elmo_tasks.cli import main
from elmo_tasks.core.errors import InputError
from elmo_tasks.core.folders import mark
from elmo_tasks.runs.outcomes import Outcomes, read_outcomes, write_outcomes

MakeCell = Callable[..., Path]
ELMO = "elmo:/home/someone/bilm"
MIX = {ELMO: {"weights": [0.5, 0.3, 0.2], "gamma": 1.1}}


@pytest.fixture
def grid(make_cell: MakeCell, tmp_path: Path) -> Path:
    """Two systems, two seeds, two parts of the training data, one cell that failed."""
    for seed in (1, 2):
        for fraction in (10, 100):
            make_cell(["glove"], seed, fraction, right=4 if fraction == 10 else 5)
            make_cell([ELMO, "glove"], seed, fraction, right=6 if fraction == 10 else 7, mix=MIX)
    logs = tmp_path / "grid" / "logs"
    logs.mkdir()
    (tmp_path / "grid" / "command.txt").write_text("elmo-tasks benchmark ner --data ner=/home/someone/conll2003\n")
    (logs / "ner-conll2003-minilm-100-seed1.error").write_text("no <network> | today\n")
    return tmp_path / "grid"


def test_the_record(grid: Path) -> None:
    record = benchmark_record(grid, replicates=500)
    (task,) = record["tasks"]
    assert (task["task"], task["data"], task["headline"], task["test_sentences"]) == ("ner", "conll2003", "f1", 40)
    assert [(row["fraction"], len(row["embedders"]), row["seeds"]) for row in task["rows"]] == [
        (10, 1, [1, 2]),
        (10, 2, [1, 2]),
        (100, 1, [1, 2]),
        (100, 2, [1, 2]),
    ]
    glove, elmo = task["rows"][2:]
    values = [json.loads((path / "metrics.json").read_text())["test"]["f1"] for path in cells(grid, "glove-100")]
    assert elmo["test"]["mean"] == pytest.approx(np.mean(values)) and len(values) == 2
    assert elmo["test"]["deviation"] == pytest.approx(np.std(values, ddof=1))
    assert glove["against_baseline"] is None
    against = elmo["against_baseline"]
    gain = elmo["test"]["mean"] - glove["test"]["mean"]
    assert against["difference"] == pytest.approx(gain)
    assert against["error_reduction"] == pytest.approx(gain / (1 - glove["test"]["mean"]))
    assert against["p"] == pytest.approx(1 / 501) and 0 < against["low"] < gain < against["high"]
    assert elmo["training_seconds"] == pytest.approx(61.5)
    assert elmo["curves"] == [[0.1, 0.2, 0.3]] * 2
    assert elmo["mix"][0]["weights"] == [[0.5, 0.3, 0.2]] * 2
    assert {entry["source"] for entry in task["published"]} >= {"Peters et al. 2018, Table 1"}
    assert record["command"] == "elmo-tasks benchmark ner --data ner=conll2003"
    assert record["failed"][0]["fault"] == "no <network> | today"
    assert "someone" not in json.dumps(record)


def cells(grid: Path, part: str) -> list[Path]:
    """The folders of the biLM's cells."""
    return sorted(path for path in (grid / "cells").iterdir() if f"bilm+{part}-" in path.name)


class Page(HTMLParser):
    """What the browser of a reader would load and show."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loaded: list[str] = []
        self.pictures: list[dict[str, str | None]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.loaded += [str(given[key]) for key in ("src", "href", "data") if key in given]
        if tag == "img":
            self.pictures.append(given)
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_all_forms(grid: Path) -> None:
    record = write_report(grid)
    assert json.loads((grid / "benchmark.json").read_text()) == json.loads(json.dumps(record))
    markdown, html = (grid / "report.md").read_text(), (grid / "report.html").read_text()
    page, read = Page(), Page()
    page.feed(html)
    read.feed(MarkdownIt("commonmark", {"xhtmlOut": False}).enable("table").render(markdown))
    assert page.open == read.open == []
    assert all(re.match(r"#s\d+$|data:image/svg\+xml;base64,", place) for place in page.loaded)
    assert "@import" not in html and "url(" not in html and "<script" not in html
    assert len(page.pictures) == 3 and all(len(str(picture["alt"])) > 40 for picture in page.pictures)
    assert 'name="viewport"' in html and 'lang="en"' in html
    elmo = record["tasks"][0]["rows"][3]
    for text in (read.text, page.text):
        for part in ("elmo:bilm + glove", "2", "test F1", "error reduction", "tokens per second", "12,346", "1.0 GiB"):
            assert part in text
        assert f"{100 * elmo['test']['mean']:.2f} ± {100 * elmo['test']['deviation']:.2f}" in text
        assert f"{100 * elmo['against_baseline']['error_reduction']:.1f} %" in text
        for part in (
            "20.00 M",
            "1.23 M",
            "80.0",
            "10 %",
            "92.22 ± 0.10",
            "Peters et al. 2018, Table 1",
            "no <network>",
        ):
            assert part in text
        assert "SENNA word vectors" in text and "someone" not in text
    for name in re.findall(r"\]\((pictures/[^)]+)\)", markdown):
        assert (grid / name).read_bytes().startswith(b"\x89PNG")
        assert (grid / name).with_suffix(".svg").read_bytes().startswith(b"<?xml")


def test_the_same_cells_make_the_same_report(grid: Path) -> None:
    write_report(grid)
    first = (grid / "report.html").read_bytes()
    write_report(grid)
    assert (grid / "report.html").read_bytes() == first


def test_report_only(grid: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["benchmark", "--report-only", "--output", str(grid)]) == 2
    assert "grid: already exists and is not a benchmark made by elmo-tasks" in capsys.readouterr().err
    mark(grid, KIND)
    assert main(["benchmark", "--report-only", "--output", str(grid)]) == 0
    assert "report.html" in capsys.readouterr().out
    assert main(["benchmark", "--report-only", "--output", str(tmp_path / "none")]) == 2
    assert "not the folder of a benchmark: there is no finished run" in capsys.readouterr().err


def only(record: dict[str, Any]) -> dict[str, Any]:
    (task,) = record["tasks"]
    assert isinstance(task, dict)
    return task


def test_seeds_that_both_have_are_compared(make_cell: MakeCell, tmp_path: Path) -> None:
    for seed in (1, 2, 3):
        make_cell(["glove"], seed)
    make_cell(["elmo"], 3, right=7)
    task = only(benchmark_record(tmp_path / "grid", replicates=100))
    assert task["rows"][1]["against_baseline"]["seeds"] == [3]
    assert any("Fewer seeds than the others: elmo" in note for note in notes(task))


@pytest.mark.parametrize("fault", ["other sentences", "another score"])
def test_what_cannot_be_paired_has_no_p(make_cell: MakeCell, tmp_path: Path, fault: str) -> None:
    make_cell(["glove"])
    folder = make_cell(["elmo"], right=7)
    if fault == "other sentences":
        write_outcomes(folder, Outcomes("another text", read_outcomes(folder).counts))
    else:
        metrics = json.loads((folder / "metrics.json").read_text())
        metrics["test"]["f1"] += 0.01
        (folder / "metrics.json").write_text(json.dumps(metrics))
    task = only(benchmark_record(tmp_path / "grid", replicates=100))
    against = task["rows"][1]["against_baseline"]
    assert against["p"] is None and against["difference"] > 0
    assert any(note.startswith("There is no p-value if") for note in notes(task))


def test_differing_settings_are_told(make_cell: MakeCell, tmp_path: Path) -> None:
    make_cell(["glove"])
    make_cell(["elmo"], epochs=7)
    task = only(benchmark_record(tmp_path / "grid", replicates=100))
    assert notes(task) == ["Not all runs have the same settings: they differ in training.epochs."]


def test_another_baseline(make_cell: MakeCell, tmp_path: Path) -> None:
    make_cell(["glove"], right=7)
    make_cell(["random"], right=3)
    record = write_report(tmp_path / "grid", ["random"])
    assert record["baseline"] == ["random"]
    first, second = only(record)["rows"]
    assert first["embedders"] == ["random"] and first["against_baseline"] is None
    assert second["against_baseline"]["difference"] > 0
    text = (tmp_path / "grid" / "report.md").read_text()
    assert "against random" in text and "the best of 2 on dev is glove" in text


def test_a_baseline_without_errors(make_cell: MakeCell, tmp_path: Path) -> None:
    make_cell(["glove"], right=8)
    make_cell(["elmo"], right=7)
    (against,) = [row["against_baseline"] for row in only(write_report(tmp_path / "grid"))["rows"][1:]]
    assert against["error_reduction"] is None and against["difference"] < 0
    assert re.search(r"\| elmo \| 1 \|.* \| - \| 0\.\d+ \|", (tmp_path / "grid" / "report.md").read_text())


def test_without_the_baseline_there_is_no_comparison(make_cell: MakeCell, tmp_path: Path) -> None:
    make_cell(["elmo"])
    write_report(tmp_path / "grid")
    assert "| elmo | 1 |" in (tmp_path / "grid" / "report.md").read_text()


def test_a_run_of_an_earlier_version_is_named(make_cell: MakeCell, tmp_path: Path) -> None:
    folder = make_cell(["glove"])
    metrics = json.loads((folder / "metrics.json").read_text())
    del metrics["tokens_per_second"]
    (folder / "metrics.json").write_text(json.dumps(metrics))
    with pytest.raises(InputError, match=r"made by another version and lacks tokens_per_second"):
        benchmark_record(tmp_path / "grid")
