"""`report FOLDER`: which runs are found, how they are grouped, and what the page shows."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from elmo_tasks.cli import main
from elmo_tasks.core.errors import InputError
from elmo_tasks.runs.experiment import resolve_experiment
from elmo_tasks.runs.gather import differing_settings, find_runs, gather
from elmo_tasks.training.train import train
from elmo_tasks.views.runs_page import write_runs_page

ROWS = "Ada B-PER\nlives O\nin O\nRome B-LOC\n. O\n\n"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three experiments of two tasks in folders of different depth; one has two seeds, one a name like a tag."""
    place = tmp_path_factory.mktemp("gathered")
    data, folder = place / "data", place / "runs"
    data.mkdir()
    for split in ("train", "dev", "test"):
        (data / f"{split}.txt").write_text(ROWS * 4)

    def run(name: str, task: str, *settings: str, seed: int = 1) -> None:
        given = {"data": str(data), "embedders": ["random"], "seed": seed}
        small = ["training.epochs=2", "model.hidden=4", *settings]
        train(resolve_experiment(task, None, given, small), folder / name, tell=lambda line: None)

    run("a/one", "ner", seed=2)
    run("a/deep/er/two", "ner", seed=1)
    run("<b>three & co", "ner", "training.learning_rate=0.01")
    run("four", "tagging")
    return folder


@pytest.fixture
def copy(runs: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(runs, tmp_path / "runs"))


class Page(HTMLParser):
    """The targets of links, the number of learning curves, and the text of the cells of each table."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.outside: list[str] = []
        self.tables: list[list[list[str]]] = []
        self.curves, self._cell = 0, False
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.links += [found["href"] or ""] if tag == "a" else []
        self.outside += [tag] if tag in ("link", "script", "img") else []
        self.curves += tag == "polyline"
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        self._cell = tag in ("td", "th", "span", "a") and (self._cell or tag in ("td", "th"))
        if tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_data(self, data: str) -> None:
        if self._cell:
            self.tables[-1][-1][-1] += data

    def handle_endtag(self, tag: str) -> None:
        self._cell = self._cell and tag not in ("td", "th")


def test_runs_are_found_at_any_depth_but_not_unfinished_ones(copy: Path) -> None:
    (copy / ".five.unfinished").mkdir()
    shutil.copytree(copy / "four", copy / ".six.unfinished", dirs_exist_ok=True)
    (copy / "a" / "metrics.json").write_text("{}")  # of something else
    names = ["<b>three & co", "a/deep/er/two", "a/one", "four"]
    assert sorted(path.relative_to(copy).as_posix() for path in find_runs([copy])) == names
    assert find_runs([copy / "four", copy]) == find_runs([copy / "four", copy, copy]) and len(find_runs([copy])) == 4


def test_seeds_of_one_experiment_form_a_group(runs: Path) -> None:
    groups = gather([runs]).groups
    names = [[run.folder.name for run in group] for group in groups]
    assert sorted(names) == [["<b>three & co"], ["four"], ["two", "one"]]
    assert [group[0].metrics["task"] for group in groups] == ["ner", "ner", "tagging"]
    assert set(differing_settings(groups[:2])) == {"training.learning_rate"}


def test_the_page_shows_means_curves_settings_and_links(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(copy)]) == 0
    assert capsys.readouterr().out == f"written to {copy / 'report.html'}\n"
    page = Page(copy / "report.html")
    assert page.outside == [] and page.curves == 4
    scores, settings, listed, *_ = page.tables
    by_seeds = {row[4]: row for row in scores[1:]}
    assert "±" in by_seeds["1, 2"][1] and "±" not in by_seeds["1"][1]
    assert settings[1][0] == "training.learning_rate" and sorted(settings[1][1:]) == ["0.001", "0.01"]
    assert sorted(row[0] for row in listed[1:]) == ["<b>three & co", "one", "two"]
    files = [unquote(link) for link in page.links if not link.startswith("#")]
    assert files and all((copy / name).is_file() for name in files)
    assert sum(name.endswith("report.md") for name in files) == 4
    text = (copy / "report.html").read_text()
    assert "<b>three" not in text and not re.search(r"https?://", text)


def test_the_folder_is_walked_once(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be on a slow network disk."""
    walked: list[Path] = []
    walk = os.walk
    monkeypatch.setattr(os, "walk", lambda folder: walked.append(folder) or walk(folder))
    assert main(["report", str(copy)]) == 0 and walked == [copy]


def test_links_lead_to_runs_from_any_folder(copy: Path, tmp_path: Path) -> None:
    (tmp_path / "else where").mkdir()
    output = tmp_path / "else where" / "page.html"
    assert main(["report", str(copy / "four"), str(copy / "a"), "-o", str(output)]) == 0
    links = [link for link in Page(output).links if not link.startswith("#")]
    assert links and all((output.parent / unquote(link)).is_file() for link in links)


def test_only_our_own_page_is_replaced(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(copy)]) == 0
    assert main(["report", str(copy)]) == 2 and "already exists" in capsys.readouterr().err
    assert main(["report", str(copy), "--overwrite"]) == 0
    (copy / "report.html").write_text("mine")
    assert main(["report", str(copy), "--overwrite"]) == 2


def test_damaged_runs_are_left_out_with_a_note(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (copy / "four" / "epochs.csv").write_text("epoch,dev\n0,high\n")
    assert main(["report", str(copy)]) == 0
    assert "note: left out: " in (said := capsys.readouterr().err) and "epochs.csv" in said
    assert "epochs.csv: damaged" in (copy / "report.html").read_text()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda folder: shutil.rmtree(folder), "no such folder"),
        (lambda folder: [shutil.rmtree(path) for path in folder.iterdir()], "there is no finished run"),
    ],
)
def test_nothing_to_show(copy: Path, change: Callable[[Path], object], said: str) -> None:
    change(copy)
    with pytest.raises(InputError, match=said):
        gather([copy])


def test_a_run_without_test_scores_or_curve(runs: Path, tmp_path: Path) -> None:
    found = gather([runs / "four"])
    ((run,),) = found.groups
    del run.metrics["test"]
    run.history.clear()
    write_runs_page(found, tmp_path / "page.html")
    page = Page(tmp_path / "page.html")
    assert page.curves == 0 and page.tables[0][1][2] == "-"
