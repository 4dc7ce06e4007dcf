"""A biLM as safetensors, with its options in the metadata, so one file (or set of shards) is complete."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.files import atomic_file
from elmo_tasks.elmo.bilm import BiLM, without_weights
from elmo_tasks.elmo.options import BilmOptions
from elmo_tasks.elmo.weights.hdf5 import build

_FORMAT = "elmo-tasks bilm 1"
_SHARD = re.compile(r"-(\d{5})-of-(\d{5})\.safetensors$")


def write_safetensors(
    bilm: BiLM, path: Path, *, dtype: torch.dtype = torch.float32, max_shard_bytes: int | None = None
) -> list[Path]:
    """Write a biLM and its options; several `NAME-00001-of-00003.safetensors` if one file would be too large.

    Args:
        bilm: the model.
        path: the file to write; shard numbers are inserted before its suffix.
        dtype: type of the stored numbers. 16-bit types halve the file and are converted back to float32 on reading.
        max_shard_bytes: maximum size of a shard, unless a single tensor is larger; None for one file.

    Returns:
        The files written. Each appears complete or not at all.
    """
    from safetensors.torch import save_file

    tensors = {name: tensor.detach().to("cpu", dtype).contiguous() for name, tensor in bilm.state_dict().items()}
    shards = _split(tensors, max_shard_bytes)
    metadata = {"format": _FORMAT, "options": bilm.options.to_json()}
    path.parent.mkdir(parents=True, exist_ok=True)
    targets = [path]
    if len(shards) > 1:
        numbers = range(1, len(shards) + 1)
        targets = [path.with_name(f"{path.stem}-{n:05d}-of-{len(shards):05d}.safetensors") for n in numbers]
    for target, shard in zip(targets, shards, strict=True):
        with atomic_file(target) as partial:
            save_file(shard, partial, metadata=metadata)
    return targets


def read_safetensors(paths: Sequence[Path]) -> BiLM:
    """Load a biLM from one file or from all its shards; float32, frozen, in evaluation mode.

    Raises:
        InputError: a file is missing, damaged, not a biLM or of another biLM than the first one, a shard is missing, or
            the options do not fit the weights.
    """
    if not paths:
        raise InputError("there are no files; give at least one .safetensors file of a biLM")
    state: dict[str, Tensor] = {}
    first_options: BilmOptions | None = None
    for path in _complete(paths):
        options, tensors = _read_one(path)
        first_options = first_options or options
        if options != first_options:
            raise InputError(
                f"{path}: the options differ from those of {paths[0].name}; remove the file of the other biLM"
            )
        if double := sorted(state.keys() & tensors.keys()):
            raise InputError(f"{path}: the tensor {double[0]} occurs twice; keep only the shards of one biLM")
        state |= tensors
    assert first_options is not None
    _check(state, first_options, paths[0])
    return build(first_options, state)


def _complete(paths: Sequence[Path]) -> list[Path]:
    """Check that no numbered shard is missing, and return the files."""
    matches = [(path, _SHARD.search(path.name)) for path in sorted(paths)]
    present = {int(match[1]) for _, match in matches if match}
    totals = {int(match[2]) for _, match in matches if match}
    if totals:
        missing = sorted(set(range(1, max(totals) + 1)) - present)
        if missing or len(totals) > 1:
            lacking = f"shard {missing[0]} is missing" if missing else f"shards of {sorted(totals)} are mixed, not all"
            raise InputError(
                f"{paths[0].parent}: {lacking} of {max(totals)} shards of one biLM; download the folder again"
            )
    return [path for path, _ in matches]


def _read_one(path: Path) -> tuple[BilmOptions, dict[str, Tensor]]:
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise InputError(f"{path}: no such file; expected the safetensors weights of a biLM")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name).to(torch.float32) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"{path}: not a safetensors file, or damaged or truncated ({reason}); download it again"
        ) from None
    if "options" not in metadata:
        raise InputError(
            f"{path}: the metadata has no options of a biLM; this file is not a biLM written by elmo-tasks"
        )
    return BilmOptions.from_json(metadata["options"], source=f"{path} (metadata)"), tensors


def _check(state: dict[str, Tensor], options: BilmOptions, path: Path) -> None:
    """Raises InputError for the first tensor that does not fit the options."""
    expected = {name: tuple(tensor.shape) for name, tensor in without_weights(options).state_dict().items()}
    for name, shape in expected.items():
        got = tuple(state[name].shape) if name in state else None
        if got != shape:
            raise InputError(
                f"{path}: the shape of {name} is {got or 'none'}, but {shape} in the options in its metadata; the file "
                "is inconsistent, download it again"
            )
    if surplus := sorted(state.keys() - expected.keys()):
        raise InputError(
            f"{path}: the tensor {surplus[0]} does not belong to the options in its metadata; download it again"
        )
    for name, tensor in state.items():
        if not bool(torch.isfinite(tensor).all()):
            raise InputError(f"{path}: {name} contains NaN or infinity; download it again")


def _split(tensors: dict[str, Tensor], max_bytes: int | None) -> list[dict[str, Tensor]]:
    """Fill shards in order, each up to `max_bytes` (without the header of a few kilobytes)."""
    shards: list[dict[str, Tensor]] = [{}]
    used = 0
    for name, tensor in tensors.items():
        if max_bytes is not None and shards[-1] and used + tensor.nbytes > max_bytes:
            shards.append({})
            used = 0
        shards[-1][name] = tensor
        used += tensor.nbytes
    return shards
