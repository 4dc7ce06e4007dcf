"""Imports run one way, and each room sees only the libraries that its work needs."""

from __future__ import annotations

import ast
import re
import sys
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conftest import Source

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Room:
    """A row of the table of floors in CONTRIBUTING.md. libraries: None where any third-party library may be seen."""

    floor: int
    libraries: frozenset[str] | None


def read_rooms() -> dict[str, Room]:
    """The table of floors, by room."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \|[^|]*\|([^|]*)\|$", text, re.MULTILINE)

    def seen(cell: str) -> frozenset[str] | None:
        return None if cell.strip().startswith("any") else frozenset(cell.replace(",", " ").split()) - {"none"}

    return {name: Room(int(floor), seen(libraries)) for floor, name, libraries in rows}


ROOMS = read_rooms() | {"__init__": Room(0, frozenset()), "__main__": Room(13, frozenset())}

FORBIDDEN = {  # what the floors alone would allow
    "tasks": {"embedders"},
    "embedders": {"data"},
    "nn": {"data", "metrics"},
    "elmo": {"text"},
}

EXAMPLES = {"TaggedSentence", "LabelledSentence", "SentencePair", "Document"}
"""The examples of our own tasks."""
BRICKS = {"batch", "bilstm", "dropout", "embedding_mix", "finite"}
"""What training may know of `nn`: nothing that belongs to one task."""


def own(module: str) -> str | None:
    """`elmo_tasks.data.conll` -> `data`; a name that the package itself defines -> `__init__`."""
    if not module.startswith("elmo_tasks."):
        return None
    package = module.split(".")[1]
    return package if package in ROOMS else "__init__"


def test_every_package_has_a_floor(sources: list[Source]) -> None:
    homeless = sorted({source.name for source in sources if source.package not in ROOMS})
    assert not homeless, f"give these a floor in CONTRIBUTING.md: {homeless}"
    assert {source.package for source in sources} == set(ROOMS), "the table has a room that is not there"


def test_imports_lead_down(sources: list[Source]) -> None:
    wrong = [
        f"{source.name}:{line}: floor {ROOMS[source.package].floor} imports {module} of floor {ROOMS[target].floor}"
        for source in sources
        for line, module in source.imports()
        if (target := own(module)) not in (None, source.package)
        and ROOMS[str(target)].floor >= ROOMS[source.package].floor
        and target != "__init__"  # `__version__`
        and source.package != "__init__"  # the public names, imported when they are used
    ]
    assert not wrong, "\n".join(wrong)


def test_no_circle_between_files(sources: list[Source]) -> None:
    """Also of imports within functions and for types: a circle there is one that a reader has to untangle."""
    files = {source.name.removesuffix(".py").removesuffix("/__init__").replace("/", "."): source for source in sources}
    edges = {
        name: {module for _, module in source.imports() if module in files and module != name}
        for name, source in files.items()
        if not source.name.endswith("__init__.py")
    }
    TopologicalSorter(edges).prepare()  # raises CycleError, which names the circle


def test_the_two_axes_meet_only_in_training(sources: list[Source]) -> None:
    wrong = [
        f"{source.name}:{line}: {source.package} must not import {module}"
        for source in sources
        for line, module in source.imports()
        for banned in FORBIDDEN.get(source.package, ())
        if f"{module}.".startswith(f"elmo_tasks.{banned}.")
    ]
    assert not wrong, "\n".join(wrong)


def test_rooms_see_only_their_libraries(sources: list[Source]) -> None:
    wrong = [
        f"{source.name}:{line}: {source.package} must not see {module}"
        for source in sources
        if (allowed := ROOMS[source.package].libraries) is not None
        for line, module in source.imports()
        if (library := module.partition(".")[0]) != "elmo_tasks"
        and library not in sys.stdlib_module_names
        and library not in allowed
    ]
    assert not wrong, "\n".join(wrong)


def test_lightning_stays_with_the_two_loops(sources: list[Source]) -> None:
    seen = {
        source.package
        for source in sources
        for _, module in source.imports()
        if module.partition(".")[0] in ("lightning", "pytorch_lightning")
    }
    assert seen <= {"training", "pretraining"}


def test_pools_stay_in_jobs_and_optuna_in_tuning(sources: list[Source]) -> None:
    for library, room in (("ray", "jobs"), ("joblib", "jobs"), ("optuna", "tuning")):
        seen = {each.package for each in sources for _, name in each.imports() if name.partition(".")[0] == library}
        assert seen <= {room}, library


def test_the_web_framework_stays_at_the_door_of_the_demo(sources: list[Source]) -> None:
    seen = {
        source.name
        for source in sources
        for _, module in source.imports()
        if module.partition(".")[0] in ("starlette", "uvicorn")
    }
    assert seen == {"elmo_tasks/demo/guard.py", "elmo_tasks/demo/server.py"}


def test_the_training_loop_knows_no_task(sources: list[Source], root: Path) -> None:
    """A new task is a recipe, a reader and bricks: no file of `training` names a task, its model or its examples."""
    tasks = {path.parent.name for path in (root / "tasks").glob("*/task.py")}
    assert {"coreference", "ner", "nli", "sentiment", "srl", "tagging"} <= tasks
    training = [source for source in sources if source.package == "training"]
    names = [
        f"{source.name}:{node.lineno} names {name}"
        for source in training
        for node in ast.walk(source.tree)
        if isinstance(node, (ast.Constant, ast.Name, ast.Attribute, ast.alias))
        for name in (getattr(node, "value", ""), *(getattr(node, key, "") for key in ("id", "attr", "name")))
        if isinstance(name, str) and name in tasks | EXAMPLES
    ]
    models = [
        f"{source.name}:{line} imports {module}"
        for source in training
        for line, module in source.imports()
        if module.startswith("elmo_tasks.nn.") and module.rpartition(".")[2] not in BRICKS
    ]
    assert not names + models
