"""`export_model`: write a trained model to a folder for `elmo_tasks.lite`."""

from __future__ import annotations

import hashlib
import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import torch

from elmo_tasks import __version__
from elmo_tasks.core.errors import InputError
from elmo_tasks.core.files import disk_faults, write_bytes, write_text
from elmo_tasks.core.folders import kind_of, make_folder, mark, not_ours, remove_folder, swap_folder
from elmo_tasks.core.outputs import hold, new_output_folder
from elmo_tasks.embedders.protocol import Input
from elmo_tasks.export.graph import array
from elmo_tasks.export.inputs import Files, maker_of, saved
from elmo_tasks.export.models import classifier_graph, finder_graph, pair_graph, roles_graph, tagger_graph
from elmo_tasks.lite.folder import FORMAT, MANIFEST
from elmo_tasks.nn.classifier import Classifier
from elmo_tasks.nn.esim import Esim
from elmo_tasks.nn.role_labeller import RoleLabeller
from elmo_tasks.nn.tagger import Tagger
from elmo_tasks.nn.token_classifier import TokenClassifier
from elmo_tasks.task import AnyTask
from elmo_tasks.text.labels import LabelSet
from elmo_tasks.text.tokeniser import tokeniser_name

EXPORT = "export"
"""The kind of the folder in its marker."""
_SCHEMES = {"ner": "BIOES", "nli": "", "sentiment": "", "srl": "BIO", "tagging": ""}
"""The tasks that can be exported, with their tag schemes."""


class Exportable(Protocol):
    """The interface of a model to export: `elmo_tasks.runs.store.Trained`."""

    @property
    def task(self) -> AnyTask:
        """The task."""

    @property
    def labels(self) -> LabelSet:
        """The labels that it predicts."""

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The inputs of the model."""

    @property
    def model(self) -> Any:
        """The torch module."""


def check_onnx() -> None:
    """Raises InputError if the packages of the extra `onnx` are not installed."""
    for name in ("onnx", "onnxruntime"):
        if find_spec(name) is None:
            raise InputError(f"export: {name} is not installed; install it with `pip install 'elmo-tasks[onnx]'`")


def export_model(trained: Exportable, output: str | Path, *, int8: bool = False, overwrite: bool = False) -> Path:
    """Export a model to a folder that `elmo_tasks.lite.load` and `python -m elmo_tasks.lite` run without torch.

    Args:
        trained: the model.
        output: the new folder. It appears when it is complete.
        int8: store and multiply in 8 bits: a smaller folder, and faster for single sentences.
        overwrite: replace an earlier export.

    Returns:
        The folder.

    Raises:
        InputError: the task or an embedder cannot be exported, the output cannot be written, or the packages of the
            extra `onnx` are not installed.
    """
    check_onnx()
    path = new_output_folder(Path(output))
    with hold(path):
        _refuse_taken(path, overwrite)
        if trained.task.name not in _SCHEMES:
            raise InputError(
                f"runs of the task {trained.task.name} cannot be exported; only those of {', '.join(_SCHEMES)} can"
            )
        if isinstance(trained.model, Esim) and trained.model.hypothesis_only:
            raise InputError("a run with model.hypothesis_only is a control and cannot be exported")
        mix = trained.model.cpu().mix  # it may have been applied on a GPU
        again = mix.second_mixes()
        makers = [
            maker_of(source, module, again.get(number))
            for number, (source, module) in enumerate(zip(trained.inputs, mix.sources, strict=True))
        ]
        files: Files = {}
        inputs = []
        for number, (source, make) in enumerate(zip(trained.inputs, makers, strict=True)):
            entry, made = make(f"input-{number}", int8)
            inputs.append({"name": source.name, **entry})
            files |= made
        kind, made = _model(trained, int8)
        manifest = {
            "format": FORMAT,
            "version": __version__,
            "task": trained.task.name,
            "model": kind,
            "arithmetic": "int8" if int8 else "float32",
            "tokeniser": tokeniser_name(),
            "scheme": _SCHEMES[trained.task.name],
            "labels": list(trained.labels.names),
            "inputs": inputs,
        }
        _write(path, manifest, files | made)
    return path


def _model(trained: Exportable, int8: bool) -> tuple[str, Files]:
    """The kind of the model, and its files."""
    model = trained.model
    if isinstance(model, Tagger):
        crf = model.crf.crf
        moves = torch.cat([crf.transitions, crf.start_transitions[None], crf.end_transitions[None]])  # (K + 2, K)
        return "tagger", {"model.onnx": tagger_graph(model, int8=int8), "transitions.npy": saved(array(moves))}
    if isinstance(model, TokenClassifier):
        return "token classifier", {"model.onnx": tagger_graph(model, int8=int8)}
    if isinstance(model, RoleLabeller):
        graphs = {"model.onnx": roles_graph(model, int8=int8), "finder.onnx": finder_graph(model, int8=int8)}
        return "role labeller", graphs
    if isinstance(model, Esim):
        return "pair classifier", {"model.onnx": pair_graph(model, int8=int8)}
    assert isinstance(model, Classifier)
    return "classifier", {"model.onnx": classifier_graph(model, int8=int8)}


def _refuse_taken(path: Path, overwrite: bool) -> None:
    """Raises InputError if the name exists, unless it is an export that may be replaced."""
    if not path.exists():
        return
    if kind_of(path) != EXPORT:
        raise InputError(f"{path}: {not_ours(EXPORT)}")
    if not overwrite:
        raise InputError(f"{path}: already exists; choose another --output or pass --overwrite")


def _write(path: Path, manifest: dict[str, Any], files: Files) -> None:
    """Write the folder, completely or not at all."""
    work = path.with_name(f".{path.name}.unfinished")
    unfinished = f"unfinished {EXPORT}"
    remove_folder(work, unfinished, EXPORT)  # left by an export that was killed
    with disk_faults(path):
        make_folder(work, unfinished)
        try:
            for name, content in files.items():
                write_bytes(work / name, content)
            sums = {
                name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
                for name, content in files.items()
            }
            write_text(work / MANIFEST, json.dumps(manifest | {"files": sums}, indent=2, ensure_ascii=False) + "\n")
            mark(work, EXPORT)
            swap_folder(work, path)
        finally:
            remove_folder(work, unfinished, EXPORT)
