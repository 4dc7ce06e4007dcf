"""The documents are correct: commands parse, tables match results/, and links have targets."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from elmo_tasks import __version__
from elmo_tasks.cli import build_parser
from elmo_tasks.core.paths import task_path
from tools.tables import documents, fill, read_records

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted(
        path
        for folder in ("docs", "tasks", "results", "elmo_tasks", "configs")
        for path in (ROOT / folder).rglob("*.md")
    ),
]
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHOWS_AN_ERROR = re.compile(r"^<!-- runs: exits with \d+ -->\n```.*?^```$", re.MULTILINE | re.DOTALL)
LAUNCH = re.compile(r"^#.*?[Ll]aunch: *`?(elmo-tasks [^`\n]*)", re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#]+)")
ENDS_A_COMMAND = {"&&", "||", "|", ";", ">", ">>", "<", "&"}


def shell_blocks(text: str) -> list[str]:
    """The fenced blocks of a document that are for a shell, or do not say what they are for."""
    return [block for language, block in FENCED.findall(text) if language in ("", "bash", "sh", "console")]


def commands(text: str) -> Iterator[list[str]]:
    """The arguments of every `elmo-tasks` in shell lines, continuation lines joined, variables taken for numbers."""
    for line in re.sub(r"\$\w+", "1", text.replace("\\\n", " ")).splitlines():
        lexer = shlex.shlex(line.removeprefix("$ "), posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        lexer.commenters = "#"
        words = list(lexer)
        for place, word in enumerate(words):
            if Path(word).name == "elmo-tasks" or (word == "elmo_tasks" and words[place - 1 : place] == ["-m"]):
                rest = words[place + 1 :]
                end = next((n for n, other in enumerate(rest) if other in ENDS_A_COMMAND), len(rest))
                yield rest[:end]


def written_commands() -> Iterator[tuple[str, list[str]]]:
    """Every command of ours in a document's shell blocks or at the head of a configuration, with where it is."""
    for path in DOCUMENTS:
        text = SHOWS_AN_ERROR.sub("", path.read_text(encoding="utf-8"))
        for block in shell_blocks(text):
            yield from ((str(path.relative_to(ROOT)), arguments) for arguments in commands(block))
    for path in sorted((ROOT / "configs").rglob("*.yaml")):
        for line in LAUNCH.findall(path.read_text(encoding="utf-8")):
            yield from ((str(path.relative_to(ROOT)), arguments) for arguments in commands(line))


WRITTEN = list(written_commands())


@pytest.mark.parametrize(("where", "arguments"), WRITTEN, ids=[f"{where}: {' '.join(a)}" for where, a in WRITTEN])
def test_command_parses(where: str, arguments: list[str]) -> None:
    try:
        parsed = build_parser().parse_args(arguments)
    except SystemExit as stop:
        if stop.code == 0:
            return  # --help
        raise AssertionError(f"{where}: elmo-tasks {shlex.join(arguments)} does not parse") from None
    if arguments[0] == "train" and not parsed.task.startswith("my"):
        task_path(parsed.task)
    config = getattr(parsed, "config", None)
    for name in [config] if isinstance(config, (str, Path)) else config or []:
        assert str(name).startswith(("my", "runs/")) or (ROOT / name).is_file(), f"{where}: there is no {name}"


def test_the_way_of_an_embedder_is_short_and_as_it_is_written() -> None:
    """From the command line to the first matrix product: at most six files, each of which imports the next."""
    _, _, part = (ROOT / "CONTRIBUTING.md").read_text("utf-8").partition("## From `--embedders elmo` to ")
    files = re.findall(r"^\d\. `(\S+\.py)`", part.partition("\n## ")[0], re.MULTILINE)
    assert files[0] == "elmo_tasks/cli/train.py" and 2 <= len(files) <= 6
    for file, following in pairwise(files):
        module = following.removesuffix(".py").replace("/", ".")
        assert f"from {module} import " in (ROOT / file).read_text("utf-8"), f"{file} does not import {following}"
    assert "self.filters(windows" in (ROOT / files[-1]).read_text("utf-8")


def test_commands_are_found() -> None:
    text = "MPLBACKEND=agg .venv/bin/elmo-tasks train ner \\\n  --seed 1 && elmo-tasks predict run | head  # so\n"
    assert list(commands(text)) == [["train", "ner", "--seed", "1"], ["predict", "run"]]
    assert any(where == "README.md" and arguments[:2] == ["train", "ner"] for where, arguments in WRITTEN)


def test_tables_are_those_of_the_results() -> None:
    records = read_records(ROOT / "results")
    stale = [path for path in documents(ROOT) if fill(path.read_text("utf-8"), records) != path.read_text("utf-8")]
    assert not stale, f"run python -m tools.tables: {stale}"


def test_the_citation_names_this_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert citation["version"] == __version__ and citation["license"] == "Apache-2.0"
    assert [reference["year"] for reference in citation["references"]] == [2018]


def test_links_lead_somewhere() -> None:
    broken = [
        f"{path.relative_to(ROOT)}: {link}"
        for path in DOCUMENTS
        for link in LINK.findall(path.read_text(encoding="utf-8"))
        if not (path.parent / link).exists()
    ]
    assert not broken, broken


def test_the_test_command_is_what_is_tested() -> None:
    """README's second command ends with the test command, and .ci/run runs that."""
    blocks = shell_blocks((ROOT / "README.md").read_text(encoding="utf-8"))
    command = blocks[1].strip().rpartition("&&")[2].strip().removeprefix(".venv/bin/")
    assert command.startswith("pytest")
    assert f"/bin/{command.replace('pytest', 'pytest' + chr(34), 1)}" in (ROOT / ".ci/run").read_text(encoding="utf-8")
