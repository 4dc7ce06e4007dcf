"""The folder of a pre-trained biLM: weights in both formats, the softmax, the vocabulary and a model card."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.files import atomic_file, disk_faults, write_json, write_text
from elmo_tasks.elmo.weights.hdf5 import write_hdf5
from elmo_tasks.elmo.weights.resolve import folder_of, load_bilm
from elmo_tasks.elmo.weights.safetensors import write_safetensors
from elmo_tasks.pretraining.corpus import SPECIALS
from elmo_tasks.pretraining.objective import Objective
from elmo_tasks.pretraining.perplexity import LanguageModel
from elmo_tasks.runs.bilm_record import read_bilm_record
from elmo_tasks.runs.model_card import bilm_body
from elmo_tasks.text.tokens import split_tokens

VOCABULARY, RECORD = "vocabulary.txt", "metrics.json"
BILM = "biLM"
"""The name that the marker file gives to a folder written by `pretrain`."""


def write_bilm_folder(folder: Path, objective: Objective, words: list[str], record: dict[str, Any]) -> None:
    """Write the weights in both formats, the softmax, the vocabulary, metrics.json and a model card."""
    with disk_faults(folder):
        folder.mkdir(parents=True, exist_ok=True)
        write_hdf5(objective.bilm, folder / "options.json", folder / "weights.hdf5")
        write_safetensors(objective.bilm, folder / "bilm.safetensors")
        write_softmax(objective.softmax.weight.weight.detach(), objective.softmax.bias.weight.detach()[:, 0], folder)
    write_texts(folder, words, record)


def write_softmax(
    weight: Tensor,
    bias: Tensor,
    folder: Path,
    *,
    dtype: torch.dtype = torch.float32,
    max_shard_bytes: int | None = None,
) -> None:
    """Write weight (V, P) and bias (V,) as `softmax-1.safetensors`, ..., each with a part of the V rows."""
    rows = len(weight) if max_shard_bytes is None else max_shard_bytes // ((weight.shape[1] + 1) * dtype.itemsize)
    for number, start in enumerate(range(0, len(weight), rows), 1):
        part = slice(start, start + rows)
        tensors = {"weight": weight[part].to(dtype).contiguous(), "bias": bias[part].to(dtype).contiguous()}
        with atomic_file(folder / f"softmax-{number}.safetensors") as partial:
            save_file(tensors, partial)


def read_softmax(folder: Path) -> tuple[Tensor, Tensor]:
    """Weight (V, P) and bias (V,) in float32.

    Raises:
        InputError: there is no softmax, or one of its files is damaged.
    """
    weights, biases = [], []
    for path in softmax_files(folder):
        try:
            with safe_open(path, framework="pt") as file:
                weights.append(file.get_tensor("weight").float())
                biases.append(file.get_tensor("bias").float())
        except (SafetensorError, OSError) as error:
            raise InputError(f"{path}: cannot be read as the softmax of pre-training ({error})") from None
        weight, bias = weights[-1], biases[-1]
        if weight.ndim != 2 or bias.shape != weight.shape[:1] or weight.shape[1] != weights[0].shape[1]:
            raise InputError(
                f"{path}: damaged: weights {tuple(weight.shape)} and biases {tuple(bias.shape)} do not fit"
            )
        if not bool(weight.isfinite().all() and bias.isfinite().all()):
            raise InputError(f"{path}: damaged: contains NaN or infinity")
    if not weights:
        raise InputError(
            f"{folder}: has no softmax-1.safetensors; perplexity and substitutes need "
            "the softmax of pre-training, which published biLMs do not include; use a biLM that elmo-tasks pretrained"
        )
    return torch.cat(weights), torch.cat(biases)


def softmax_files(folder: Path) -> list[Path]:
    """The softmax files of a folder, in order; empty if there are none."""
    return sorted(folder.glob("softmax-*.safetensors"), key=lambda path: (len(path.name), path.name))


def write_texts(folder: Path, words: list[str], record: dict[str, Any]) -> None:
    """Write the vocabulary, metrics.json and the model card."""
    write_text(folder / VOCABULARY, "".join(word + "\n" for word in words))
    write_json(folder / RECORD, record)
    write_text(folder / "README.md", bilm_body(record))


def read_vocabulary(path: Path) -> dict[str, int]:
    """Read the class number of each word from a file with one word per line, optionally followed by its count.

    Raises:
        InputError: the file does not exist, a line has no word or repeats an earlier one, or the first lines are not
            the three special words.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").removesuffix("\n").split("\n")
    except FileNotFoundError:
        raise InputError(
            f"{path}: no such vocabulary; perplexity needs the softmax and vocabulary of pre-training"
        ) from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not UTF-8; a vocabulary has one word per line in UTF-8") from None
    words = [next(iter(split_tokens(line)), "") for line in lines]
    if tuple(words[:3]) != SPECIALS:
        found = " ".join(words[:3])[:60]
        raise InputError(f"{path}:1: the first words must be {' '.join(SPECIALS)}, not {found!r}")
    numbers: dict[str, int] = {}
    for number, word in enumerate(words):
        if not word or numbers.setdefault(word, number) != number:
            wrong = f"duplicate word {word!r}" if word else "empty line"
            raise InputError(f"{path}:{number + 1}: {wrong}; a vocabulary has one new word per line")
    return numbers


def vocabulary_file(name: str) -> Path | None:
    """The vocabulary file of a biLM that comes with its softmax; None if it comes without one."""
    folder = folder_of(name)
    return folder / VOCABULARY if folder is not None and softmax_files(folder) else None


def stages_of(name: str | None) -> list[dict[str, Any]]:
    """The training runs recorded in a biLM folder; empty for a biLM that this package did not train."""
    if name is None or vocabulary_file(name) is None:
        return []
    stages: list[dict[str, Any]] = read_bilm_record(bilm_folder(name) / RECORD).get("stages", [])
    return stages


def bilm_folder(name: str) -> Path:
    """The folder of a pre-trained biLM: the bundled one for `default` and `shipped`; `ORG/NAME` is downloaded.

    Raises:
        InputError: the folder or repository does not exist.
    """
    folder = folder_of(name)
    if folder is None:
        raise InputError(f"{name}: not the folder of a pre-trained biLM; it must contain the softmax and {VOCABULARY}")
    return folder


def read_language_model(name: str) -> LanguageModel:
    """Read a biLM folder with its softmax.

    Raises:
        InputError: the folder does not exist, has no softmax, or has one that does not fit the vocabulary.
    """
    folder = bilm_folder(name)
    vocabulary = read_vocabulary(folder / VOCABULARY)
    weight, bias = read_softmax(folder)
    if len(weight) != len(vocabulary):
        raise InputError(f"{folder}: {VOCABULARY} has {len(vocabulary)} words, but the softmax has {len(weight)}")
    return LanguageModel(load_bilm(str(folder)), weight, bias, vocabulary)
