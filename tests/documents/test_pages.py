"""Pages that list what the code has list all of it: environment variables, extras, official weights."""

from __future__ import annotations

import ast
import re
import sys
from importlib.metadata import PackageNotFoundError, requires

import pytest
from fenced_blocks import ROOT
from packaging.requirements import Requirement

from elmo_tasks.elmo.weights.published import IN_SHORT, PAIRS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # pytest needs it there, too

PATHS = ROOT / "elmo_tasks" / "core" / "paths.py"  # the only reader of the environment, see tests/architecture
VARIABLE = re.compile(r"[A-Z]+(_[A-Z]+)+|[A-Z]{8,}")


def page(name: str) -> str:
    return (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")


def first_cells(text: str) -> list[str]:
    """The first cell of each row of the tables in a text, without heads and rules."""
    rows = re.findall(r"^\| ((?:[^|\\]|\\.)*?) \|", text, re.MULTILINE)
    rules = [place for place, row in enumerate(rows) if set(row) <= set("-: ")]
    return [row for place, row in enumerate(rows) if place not in rules and place + 1 not in rules]


def names(cells: list[str]) -> set[str]:
    return {name for cell in cells for name in re.findall(r"`([\w.:-]+)`", cell)}


def variables_of_the_code() -> set[str]:
    strings = (
        node.value for node in ast.walk(ast.parse(PATHS.read_text(encoding="utf-8"))) if isinstance(node, ast.Constant)
    )
    return {s for s in strings if isinstance(s, str) and VARIABLE.fullmatch(s)}


def test_every_environment_variable_of_the_code_is_on_its_page() -> None:
    ours, _, _ = page("environment").partition("## Read by the libraries below")
    code = variables_of_the_code()
    assert {name for name in names([ours]) if VARIABLE.fullmatch(name)} == code
    assert names(first_cells(ours)) <= code


def test_variables_are_found() -> None:
    assert {"ELMO_TASKS_DATA", "ELMO_TASKS_CACHE", "RAY_ADDRESS", "GOMP_SPINCOUNT"} <= variables_of_the_code()
    assert first_cells("| a | b |\n| --- | --- |\n| `X_Y` | 1 |\n| `Z` | 2 |\n") == ["`X_Y`", "`Z`"]


def test_every_extra_is_on_the_page_of_the_installation() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    _, _, text = page("installation").partition("## Extras")
    assert names(first_cells(text.partition("\n## ")[0])) == set(extras)


def test_an_installation_without_extras_has_none_of_their_large_packages() -> None:
    """Neither does a package that the project needs bring them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    left, found = list(map(Requirement, project["dependencies"])), set[str]()
    while left:
        name = left.pop().name.lower().replace("_", "-")
        if name not in found:
            found.add(name)
            needed = [Requirement(text) for text in _requires(name)]
            left += [each for each in needed if each.marker is None or each.marker.evaluate({"extra": ""})]
    assert {"torch", "numpy", "sympy"} <= found  # sympy: of torch
    large = {"ray", "optuna", "wandb", "mlflow", "tensorboard", "spacy", "transformers", "onnx", "onnxruntime"}
    assert not found & large
    assert large <= {Requirement(text).name for texts in project["optional-dependencies"].values() for text in texts}


def _requires(name: str) -> list[str]:
    """What an installed package needs; packages for other platforms are not installed."""
    try:
        return requires(name) or []
    except PackageNotFoundError:
        return []


def test_every_published_bilm_is_on_its_page() -> None:
    text = page("weights")
    tables = [text.partition(f"## {heading}")[2].partition("\n## ")[0] for heading in ("Which", "Other languages")]
    named = set().union(*(names(first_cells(table)) for table in tables))
    assert named == {"elmo", *(f"elmo:{name}" for name in IN_SHORT)}
    assert all(pair.size is None or f"{pair.size:,}" in text for pair in PAIRS.values())


# What each kind of reader asks, and where the answer is: a page, and words on it.
QUESTIONS = [
    (
        "student: which weights did the paper use, and how do I get them?",
        "weights",
        "To reproduce the paper, use `elmo:original`",
    ),
    ("student: which scores should I expect?", "weights", "92.22 ± 0.10"),
    ("student: where does this model differ from the paper's?", "ner", "Deviation"),
    ("practitioner: how do I train on my own entities?", "tutorial", "## Your own entities"),
    ("practitioner: does ELMo help on my data, and what does it cost?", "benchmark", "--data ner=my-corpus/"),
    ("practitioner: how much disk space does it need?", "installation", "## Disk space"),
    ("teacher: how do I show that context changes vectors?", "polysemy", "elmo-tasks contrast"),
    ("teacher: what does strict F1 mean?", "glossary", "## F1, strict and conlleval"),
    ("teacher: may I distribute the data?", "data", "public domain (CC0 1.0)"),
]


def links(name: str) -> set[str]:
    return set(re.findall(r"\]\((?:\./)?([\w-]+)\.md[)#]", page(name)))


@pytest.mark.parametrize(("question", "where", "words"), QUESTIONS, ids=[question for question, _, _ in QUESTIONS])
def test_a_question_is_answered_within_two_clicks(question: str, where: str, words: str) -> None:
    first = links("index")
    assert where in first or any(where in links(name) for name in first)
    text = page(where)
    included = re.findall(r'^--8<-- "([^":]+)', text, re.MULTILINE)
    assert words in "".join([text, *((ROOT / file).read_text(encoding="utf-8") for file in included)])
