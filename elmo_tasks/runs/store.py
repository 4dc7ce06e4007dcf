"""A trained model on disk: safetensors, with what is needed to rebuild it in the metadata. No pickle."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.files import atomic_file, disk_faults, write_text
from elmo_tasks.embedders.protocol import Input
from elmo_tasks.embedders.registry import build_inputs
from elmo_tasks.nn.embedding_mix import EmbeddingMix
from elmo_tasks.runs.experiment import Experiment, load_experiment
from elmo_tasks.runs.folder import FORMAT
from elmo_tasks.task import Task, load_task
from elmo_tasks.text.labels import LabelSet


@dataclass(frozen=True)
class Trained:
    """A model ready to decode, and what it was made of."""

    task: Task
    experiment: Experiment
    labels: LabelSet
    inputs: tuple[Input, ...]
    model: Any


def inputs_of(experiment: Experiment, train_words: Any, cache_folder: Path | None) -> list[Input]:
    """The experiment's inputs."""
    sections = {key: value for key, value in asdict(experiment).items() if isinstance(value, dict)}
    return build_inputs(experiment.embedders, sections, cache_folder=cache_folder, train_words=train_words)


def build_model(task: Task, experiment: Experiment, labels: LabelSet, inputs: Any) -> Any:
    """A fresh model on its inputs."""
    mix = EmbeddingMix([source.name for source in inputs], [source.build_module() for source in inputs])
    return task.build_model(mix, labels, task.model_settings(experiment.model))


def save_trained(folder: Path, trained: Trained, train_words: list[str]) -> None:
    """Write `model.safetensors` and `words.txt` (the words whose vectors were tuned)."""
    metadata = {
        "format": FORMAT,
        "task": trained.experiment.task,
        "labels": json.dumps(trained.labels.names),
        "fingerprints": json.dumps({source.name: source.fingerprint for source in trained.inputs}),
    }
    tensors = {name: value.detach().contiguous().clone() for name, value in trained.model.state_dict().items()}
    write_text(folder / "words.txt", "".join(word + "\n" for word in train_words))
    with disk_faults(folder), atomic_file(folder / "model.safetensors") as partial:
        save_file(tensors, partial, metadata)


def load_trained(folder: Path, cache_folder: Path | None = None) -> Trained:
    """Rebuild a run's model.

    Raises:
        InputError: no run there, another format, a damaged file, or an embedder that is not the one it was trained on.
    """
    path = folder / "model.safetensors"
    if not path.exists():
        raise InputError(f"{folder}: expected the folder of a finished run, found no model.safetensors in it")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no iterator)
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path}: expected a safetensors file, got a damaged one ({error})") from None
    if metadata.get("format") != FORMAT:
        raise InputError(f"{path}: expected format {FORMAT}, got {metadata.get('format')!r}; train it again")
    experiment = load_experiment([folder / "config.yaml"])
    task = load_task(experiment.task)
    labels = LabelSet(tuple(json.loads(metadata["labels"])))
    words = (folder / "words.txt").read_text(encoding="utf-8").split("\n")[:-1]
    inputs = inputs_of(experiment, words, cache_folder)
    for name, expected in json.loads(metadata["fingerprints"]).items():
        got = next(source.fingerprint for source in inputs if source.name == name)
        if got != expected:
            raise InputError(
                f"{folder}: trained on {name} {expected}, but that name now means {got}; restore it or retrain"
            )
    model = build_model(task, experiment, labels, inputs)
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        raise InputError(f"{path}: does not fit its config.yaml ({str(error).splitlines()[-1].strip()})") from None
    model.eval()
    return Trained(task, experiment, labels, tuple(inputs), model)
