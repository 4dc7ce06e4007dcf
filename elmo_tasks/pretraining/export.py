"""Export of a pre-trained biLM in 16 bits and in shards."""

from __future__ import annotations

from pathlib import Path

import torch

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.files import disk_faults
from elmo_tasks.elmo.weights.safetensors import write_safetensors
from elmo_tasks.pretraining.bilm_folder import (
    RECORD,
    VOCABULARY,
    bilm_folder,
    read_language_model,
    write_softmax,
    write_texts,
)
from elmo_tasks.runs.bilm_record import read_bilm_record
from elmo_tasks.runs.folder import RunFolder

WEIGHTS = ("bilm*.safetensors", "softmax-*.safetensors")
TEXTS = (VOCABULARY, RECORD, "README.md")
EXPORT = "exported biLM"
"""The name that the marker file gives to the folder."""


def export_bilm_folder(source: str, folder: Path, *, max_shard_bytes: int, overwrite: bool = False) -> list[Path]:
    """Write a pre-trained biLM in 16 bits: shards of safetensors, vocabulary, record, model card.

    float16, not bfloat16: trained weights are far from its limits, and it keeps three more bits of each.
    The folder appears only once it is complete; with `overwrite`, it replaces an earlier export.

    Returns:
        The files written.

    Raises:
        InputError: `source` is not a pre-trained folder with its record, or `folder` already exists.
    """
    export = RunFolder(folder, EXPORT)
    with export.claimed(resume=False, overwrite=overwrite):
        place = bilm_folder(source)
        if export.path.resolve() == place.resolve():
            raise InputError(f"{folder}: this is the folder of the biLM itself; choose another --output")
        record = read_bilm_record(place / RECORD)
        model = read_language_model(str(place))
        export.begin(resume=False)
        work = export.work
        with disk_faults(work):
            write_safetensors(
                model.bilm, work / "bilm.safetensors", dtype=torch.float16, max_shard_bytes=max_shard_bytes
            )
            write_softmax(model.weight, model.bias, work, dtype=torch.float16, max_shard_bytes=max_shard_bytes)
        write_texts(work, list(model.vocabulary), record)
        export.finish()
    written = [path for pattern in WEIGHTS for path in export.path.glob(pattern)]
    return sorted([*written, *(export.path / name for name in TEXTS)])
