"""Writing a pre-trained biLM once more, in 16 bits and in shards."""

from __future__ import annotations

from pathlib import Path

import torch

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.files import disk_faults, read_json
from elmo_tasks.elmo.weights.safetensors import write_safetensors
from elmo_tasks.pretraining.bilm_folder import (
    RECORD,
    VOCABULARY,
    bilm_folder,
    read_language_model,
    write_softmax,
    write_texts,
)

WEIGHTS = ("bilm*.safetensors", "softmax-*.safetensors")
TEXTS = (VOCABULARY, RECORD, "README.md")


def export_bilm_folder(source: str, folder: Path, *, max_shard_bytes: int, overwrite: bool = False) -> list[Path]:
    """Write a pre-trained folder once more in 16 bits: shards of safetensors, vocabulary, record, model card.

    float16, not bfloat16: trained weights are far from its limits, and it keeps three bits more of each.
    An earlier export in `folder` is replaced; what else is there stays.

    Returns:
        The files written.

    Raises:
        InputError: `source` is no pre-trained folder with its record, `folder` is the same one, or it holds other files
            and `overwrite` is not asked for.
    """
    place = bilm_folder(source)
    record = read_json(place / RECORD)
    if folder.resolve() == place.resolve():
        raise InputError(f"{folder}: expected another folder than that of the biLM; give another --output")
    earlier = [path for pattern in WEIGHTS for path in folder.glob(pattern)]
    if not overwrite and folder.is_dir():
        own = {*earlier, *(folder / name for name in TEXTS)}
        other = sorted(path.name for path in folder.iterdir() if path not in own or not earlier)
        if other:
            raise InputError(
                f"{folder}: expected an empty folder or an earlier export, got {', '.join(other[:3])}; give another "
                "--output, or --overwrite to write beside them"
            )
    model = read_language_model(str(place))
    with disk_faults(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for stale in earlier:
            stale.unlink()
        write_safetensors(model.bilm, folder / "bilm.safetensors", dtype=torch.float16, max_shard_bytes=max_shard_bytes)
        write_softmax(model.weight, model.bias, folder, dtype=torch.float16, max_shard_bytes=max_shard_bytes)
    write_texts(folder, list(model.vocabulary), record)
    written = [path for pattern in WEIGHTS for path in folder.glob(pattern)]
    return sorted([*written, *(folder / name for name in TEXTS)])
