"""The folder of an export: a manifest with the checksums of the graphs and arrays."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.files import checksum

FORMAT = "elmo-tasks-lite-1"
MANIFEST = "manifest.json"
_AGAIN = "export it again"

Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Export:
    """A checked export on disk.

    path: the folder; manifest: the content of `manifest.json`; threads: number of processor threads for graphs.
    """

    path: Path
    manifest: dict[str, Any]
    threads: int

    @classmethod
    def open(cls, path: Path, threads: int) -> Export:
        """Read the manifest and compare every file with its checksum.

        Raises:
            InputError: the folder is not an export, its format is unknown, or a file is missing or damaged.
        """
        file = path / MANIFEST
        try:
            manifest = json.loads(file.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            raise InputError(
                f"{path}: not an export (it has no {MANIFEST}); make one with `elmo-tasks export RUN --output FOLDER`"
            ) from None
        except OSError as error:
            raise InputError(f"{file}: cannot be read ({error.strerror})") from None
        except (ValueError, RecursionError) as error:
            raise InputError(f"{file}: damaged: not JSON ({error}); {_AGAIN}") from None
        if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
            found = manifest.get("format") if isinstance(manifest, dict) else None
            raise InputError(f"{file}: the format is {found!r:.60}, not {FORMAT}; {_AGAIN}")
        _check_keys(manifest, file)
        for name, expected in manifest["files"].items():
            _check_file(path, name, expected)
        return cls(path, manifest, threads)

    def session(self, name: str, threads: int | None = None) -> Any:
        """The graph in a file. Raises InputError if onnxruntime cannot load it or is not installed."""
        try:
            import onnxruntime
        except ImportError:
            raise InputError("onnxruntime is not installed; install it with `pip install onnxruntime`") from None
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or self.threads
        options.inter_op_num_threads = 1
        options.enable_mem_pattern = False  # would keep a plan and a memory block for every shape
        options.log_severity_level = 3
        options.enable_cpu_mem_arena = False  # would keep the largest block ever needed
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        path = self._path(name)
        try:
            return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's exceptions have no common base class
            reason = " ".join(str(error).split())[:200]
            raise InputError(
                f"{path}: onnxruntime {onnxruntime.__version__} cannot load the graph ({reason})"
            ) from None

    def array(self, name: str) -> NDArray[Any]:
        """The array in a `.npy` file, memory-mapped."""
        path = self._path(name)
        try:
            found: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: damaged: not an array ({error}); {_AGAIN}") from None
        return found

    def _path(self, name: str) -> Path:
        if name not in self.manifest["files"]:  # it has no checksum, or is missing
            raise InputError(f"{self.path / MANIFEST}: damaged: it does not list {name}; {_AGAIN}")
        return self.path / name


def _check_keys(manifest: dict[str, Any], file: Path) -> None:
    kinds = {"task": str, "model": str, "labels": list, "inputs": list, "files": dict, "scheme": str}
    wrong = [key for key, kind in kinds.items() if not isinstance(manifest.get(key), kind)]
    if not wrong:
        strings = all(isinstance(label, str) for label in manifest["labels"])
        inputs = all(isinstance(each, dict) and isinstance(each.get("width"), int) for each in manifest["inputs"])
        wrong = [key for key, right in (("labels", strings), ("inputs", inputs)) if not (right and manifest[key])]
    if wrong:
        raise InputError(f"{file}: damaged: {wrong[0]!r} is missing or has the wrong type; {_AGAIN}")


def _check_file(folder: Path, name: str, expected: Any) -> None:
    """Raises InputError unless the file has the checksum given in the manifest."""
    path = folder / name
    if Path(name).name != name or not isinstance(expected, dict):  # never outside the folder
        raise InputError(
            f"{folder / MANIFEST}: damaged: {name!r:.60} is not the name of a file in the folder; {_AGAIN}"
        )
    try:
        found = checksum(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); {_AGAIN}") from None
    if found != expected.get("sha256"):
        raise InputError(f"{path}: damaged: its checksum is not the one in {MANIFEST}; {_AGAIN}")
