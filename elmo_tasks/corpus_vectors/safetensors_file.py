"""safetensors in shards, because the format needs all tensors of a file at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from elmo_tasks.corpus_vectors.part import Part
from elmo_tasks.corpus_vectors.vector_file import ABOUT, about_json, index_name

SHARD_BYTES = 256 << 20


class SafetensorsFile:
    """Tensors `0`, `1`, ... of (L, T, D) or (T, D). Several shards have an index, like Hugging Face models.

    A single shard has the given name; several are NAME-00001-of-00012.safetensors and so on.
    """

    def __init__(self, path: Path, about: dict[str, Any]) -> None:
        self.path, self._about = path, {ABOUT: about_json(about)}
        self._waiting: dict[str, NDArray[np.generic]] = {}
        self._bytes = self._total = self._lines = 0
        self._shards: list[range] = []  # the lines in each

    def append(self, part: Part) -> None:
        """Collect tensors until a shard is full."""
        for number, _, vectors in part.sentences():
            if self._waiting and self._bytes + vectors.nbytes > SHARD_BYTES:
                self._flush(number)
            self._waiting[str(number)] = np.ascontiguousarray(vectors)
            self._bytes += vectors.nbytes
            self._lines = number + 1

    def close(self) -> list[Path]:
        """Rename the shards, because their number is known now, and write the index."""
        self._flush(self._lines)
        count = len(self._shards)
        if count == 1:
            return [self._shard(0).replace(self.path)]
        names = [f"{self.path.stem}-{number:05d}-of-{count:05d}{self.path.suffix}" for number in range(1, count + 1)]
        made = [self._shard(number).replace(self.path.with_name(name)) for number, name in enumerate(names)]
        index = self.path.with_name(index_name(self.path))
        about = json.dumps({"total_size": self._total, **self._about})
        with index.open("w", encoding="utf-8") as file:  # line by line, because there may be many millions
            file.write(f'{{"metadata": {about}, "weight_map": {{')
            for name, lines in zip(names, self._shards, strict=True):
                file.writelines(f'{"," if line else ""}\n"{line}": "{name}"' for line in lines)
            file.write("}}\n")
        return [*made, index]

    def _flush(self, end: int) -> None:
        """Write the shard with the lines before `end`."""
        shard = self._shard(len(self._shards))
        shard.touch()
        mode = shard.stat().st_mode  # the library makes files that only their owner can read
        save_file(self._waiting, shard, self._about)
        shard.chmod(mode)
        self._shards.append(range(self._shards[-1].stop if self._shards else 0, end))
        self._total += self._bytes
        self._waiting, self._bytes = {}, 0

    def _shard(self, number: int) -> Path:
        return self.path.with_name(f"{number}.shard")
