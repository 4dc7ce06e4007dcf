"""Imports run one way, and each room sees only the libraries that its work needs."""

from __future__ import annotations

import sys
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conftest import Source

LAYERS = (
    {"__init__", "errors", "text", "config", "paths", "allocator"},
    {"data", "metrics", "elmo", "modules"},
    {"embedders", "models", "hub"},
    {"task", "tasks"},
    {"training", "analysis", "vectors"},
    {"report", "cli", "__main__", "estimators", "spacy", "demo"},
)
LAYER = {package: number for number, layer in enumerate(LAYERS) for package in layer}

FORBIDDEN = {  # what the order of the layers alone would allow
    "tasks": {"embedders"},
    "embedders": {"data", "models"},
    "models": {"data"},
    "elmo": {"data", "modules", "metrics", "config"},
    "hub": {"data", "modules", "metrics", "config", "embedders", "models"},
    "modules": {"data", "metrics", "config"},
    "data": {"elmo", "modules", "config"},
    "text": {"config", "paths", "allocator"},
}

LIBRARIES = {  # the third-party libraries of the rooms that are kept small; the other rooms are free
    "__init__": set[str](),
    "errors": set[str](),
    "paths": set[str](),
    "text": set[str](),
    "config": {"yaml"},
    "metrics": {"numpy", "seqeval", "sklearn"},
    "data": {"numpy", "datasets", "huggingface_hub", "zstandard"},
    "elmo": {"torch", "numpy", "numba", "h5py", "safetensors", "huggingface_hub", "filelock", "rich"},
    "modules": {"torch", "torchcrf"},
    "hub": {"torch"},
    "tasks": {"torch"},
    "models": {"torch"},
}


def own(module: str) -> str | None:
    """`elmo_tasks.data.conll` -> `data`; a name that the package itself defines -> `__init__`."""
    if not module.startswith("elmo_tasks."):
        return None
    package = module.split(".")[1]
    return package if package in LAYER else "__init__"


def test_every_package_has_a_layer(sources: list[Source]) -> None:
    homeless = sorted({source.name for source in sources if source.package not in LAYER})
    assert not homeless, f"give these a layer in {__file__}: {homeless}"


def test_imports_point_down(sources: list[Source]) -> None:
    wrong = [
        f"{source.name}:{line}: layer {LAYER[source.package]} imports {module} of layer {LAYER[target]}"
        for source in sources
        for line, module in source.imports()
        if (target := own(module)) is not None and LAYER[target] > LAYER[source.package]
    ]
    assert not wrong, "\n".join(wrong)


def test_the_two_axes_meet_only_in_training(sources: list[Source]) -> None:
    wrong = [
        f"{source.name}:{line}: {source.package} must not import {module}"
        for source in sources
        for line, module in source.imports()
        for banned in FORBIDDEN.get(source.package, ())
        if f"{module}.".startswith(f"elmo_tasks.{banned}.")
    ]
    assert not wrong, "\n".join(wrong)


def test_no_two_packages_import_each_other(sources: list[Source]) -> None:
    edges: dict[str, set[str]] = {}
    for source in sources:
        targets = {target for _, module in source.imports() if (target := own(module)) is not None}
        edges.setdefault(source.package, set()).update(targets - {source.package})
    TopologicalSorter(edges).prepare()  # raises CycleError, which names the cycle


def test_rooms_see_only_their_libraries(sources: list[Source]) -> None:
    wrong = [
        f"{source.name}:{line}: {source.package} must not see {module}"
        for source in sources
        if source.package in LIBRARIES
        for line, module in source.imports()
        if (library := module.partition(".")[0]) != "elmo_tasks"
        and library not in sys.stdlib_module_names
        and library not in LIBRARIES[source.package]
    ]
    assert not wrong, "\n".join(wrong)


def test_lightning_stays_in_training(sources: list[Source]) -> None:
    seen = {
        source.package
        for source in sources
        for _, module in source.imports()
        if module.partition(".")[0] in ("lightning", "pytorch_lightning")
    }
    assert seen <= {"training"}


def test_ray_stays_in_vectors(sources: list[Source]) -> None:
    seen = {source.package for source in sources for _, module in source.imports() if module.partition(".")[0] == "ray"}
    assert seen <= {"vectors"}


def test_gradio_stays_in_the_server_of_the_demo(sources: list[Source]) -> None:
    seen = {source.name for source in sources for _, module in source.imports() if module.partition(".")[0] == "gradio"}
    assert seen == {"elmo_tasks/demo/server.py"}
