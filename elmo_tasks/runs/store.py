"""A trained model on disk: safetensors, with everything needed to rebuild it in the metadata. No pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.files import atomic_file, disk_faults, write_text
from elmo_tasks.core.paths import task_names
from elmo_tasks.elmo.bilm import NoRandomValues
from elmo_tasks.embedders.protocol import Input
from elmo_tasks.embedders.registry import build_inputs
from elmo_tasks.nn.embedding_mix import EmbeddingMix
from elmo_tasks.runs.experiment import Experiment, load_experiment
from elmo_tasks.runs.folder import FORMAT, check_file, is_own, refuse_links
from elmo_tasks.task import AnyTask, load_task
from elmo_tasks.text.labels import LabelSet


@dataclass(frozen=True)
class Trained:
    """A model ready to decode, with its task, experiment, labels and inputs."""

    task: AnyTask
    experiment: Experiment
    labels: LabelSet
    inputs: tuple[Input, ...]
    model: Any


def build_model(task: AnyTask, experiment: Experiment, labels: LabelSet, inputs: Any) -> Any:
    """Build an untrained model on its inputs."""
    mix = EmbeddingMix([each.name for each in inputs], [each.build_module() for each in inputs])
    return task.build_model(mix, labels, task.model_settings(experiment.model))


def save_trained(folder: Path, trained: Trained) -> None:
    """Write `model.safetensors` and `words.txt` (the words whose vectors were fine-tuned)."""
    words = sorted({word for each in trained.inputs for word in each.tuned_words})
    metadata = {
        "format": FORMAT,
        "task": trained.task.name,
        "labels": json.dumps(trained.labels.names),
        "fingerprints": json.dumps({each.name: each.fingerprint for each in trained.inputs}),
    }
    tensors = {name: value.detach().contiguous().clone() for name, value in trained.model.state_dict().items()}
    write_text(folder / "words.txt", "".join(word + "\n" for word in words))
    with disk_faults(folder), atomic_file(folder / "model.safetensors") as partial:
        save_file(tensors, partial, metadata)


def load_trained(
    folder: Path, cache_folder: Path | None = None, *, task_file: str | Path | None = None, trust: bool = False
) -> Trained:
    """Rebuild a run's model.

    Args:
        folder: the folder of the run.
        cache_folder: the folder for cached frozen vectors; None disables the cache.
        task_file: the `task.py` of a run that was trained with a task of your own. It is executed; a file that is only
            named in the folder of the run never is.
        trust: whether the embedders may be read from any place named in `config.yaml`, even if this user did not train
            the run on this machine. Otherwise they must be files inside the folder, or known names.

    Raises:
        InputError: there is no run, its format is unknown or a file damaged, an embedder is not the one it was trained
            on or is outside the folder, a run of a task of your own is loaded without `task_file`, or `task_file`
            defines another task.
    """
    refuse_links(folder)
    path = folder / "model.safetensors"
    if not path.exists():
        raise InputError(f"{folder}: not the folder of a finished run: it has no model.safetensors")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no iterator)
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path}: damaged: not a safetensors file ({error})") from None
    for name in ("model.safetensors", "words.txt"):
        check_file(folder, name)
    if metadata.get("format") != FORMAT:
        raise InputError(f"{path}: the format is {metadata.get('format')!r}, not {FORMAT}; train it again")
    experiment = load_experiment([folder / "config.yaml"])
    task = _task_of(folder, experiment, metadata, task_file)
    names, fingerprints = _metadata(metadata, path)
    labels, words = LabelSet(names), _read_words(folder / "words.txt")
    within = None if trust or is_own(folder) else folder
    inputs = build_inputs(
        experiment.embedders, experiment.embedder_settings, cache_folder=cache_folder, train_words=words, within=within
    )
    there = {each.name: each.fingerprint for each in inputs}
    if there.keys() != fingerprints.keys():
        raise InputError(
            f"{folder}: config.yaml names the embedders {', '.join(there)}, but the model was trained on "
            f"{', '.join(fingerprints)}; restore it or train again"
        )
    for name, expected in fingerprints.items():
        if (got := there[name]) != expected:
            raise InputError(
                f"{folder}: the run was trained on {name} {expected}, but that name now means {got}; restore it or "
                "train again"
            )
    if within is not None:
        _check_shapes(path, tensors, task, experiment, labels, inputs)
    model = build_model(task, experiment, labels, inputs)
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        raise InputError(f"{path}: does not fit its config.yaml ({str(error).splitlines()[-1].strip()})") from None
    model.eval()
    return Trained(task, experiment, labels, tuple(inputs), model)


def _check_shapes(path: Path, tensors: Mapping[str, Tensor], *parts: Any) -> None:
    """Check the shapes on a model without memory, because a configuration may describe a model of any size.

    Raises:
        InputError: its parameters have other shapes than the stored ones.
    """
    with torch.device("meta"), NoRandomValues():
        expected = build_model(*parts).state_dict()
    for name, value in expected.items():
        if name not in tensors or tensors[name].shape != value.shape:
            got = tuple(tensors[name].shape) if name in tensors else "none"
            raise InputError(
                f"{path}: does not fit its config.yaml: the shape of {name} is {got}, not {tuple(value.shape)}"
            )


def _metadata(metadata: Mapping[str, str], path: Path) -> tuple[tuple[str, ...], dict[str, str]]:
    """The labels and the fingerprint of each embedder. Raises InputError if either is damaged."""
    try:
        names, fingerprints = json.loads(metadata["labels"]), json.loads(metadata["fingerprints"])
        if metadata["task"] and all(isinstance(text, str) for text in (*names, *fingerprints, *fingerprints.values())):
            return tuple(names), dict(fingerprints)
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError):
        pass
    raise InputError(f"{path}: damaged: its labels or fingerprints cannot be read; train it again") from None


def _read_words(path: Path) -> list[str]:
    """The words whose vectors were fine-tuned. Raises InputError if the file is missing or damaged."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"{path.parent}: not the folder of a finished run: it has no {path.name}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: damaged: not UTF-8 ({error.reason})") from None
    return text.split("\n")[:-1]


def _task_of(
    folder: Path, experiment: Experiment, metadata: Mapping[str, str], task_file: str | Path | None
) -> AnyTask:
    """The shipped task named in a run, or the task of `task_file`."""
    if task_file is None:
        if experiment.task in task_names():
            return load_task(experiment.task)
        raise InputError(
            f"{folder}: the run was trained with a task of your own, {experiment.task}, which is not executed "
            "automatically; pass --task-file PATH (in Python: task_file=PATH) if you trust that file"
        )
    task = load_task(str(task_file))
    if metadata["task"] not in (task.name, experiment.task):  # the latter in runs of version 0.1
        raise InputError(f"{folder}: the task of the run is {metadata['task']}, but {task_file} defines {task.name}")
    return task
