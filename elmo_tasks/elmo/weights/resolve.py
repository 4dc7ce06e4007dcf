"""From the name of a biLM to the loaded biLM."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.paths import hub_name
from elmo_tasks.elmo.weights.download import RemoteFile, fetch

if TYPE_CHECKING:
    from elmo_tasks.elmo.bilm import BiLM

_OFFICIAL_ROOT = "https://allennlp.s3.amazonaws.com/models/elmo"
_OFFICIAL: dict[str, tuple[str, int | None, str | None]] = {  # folder on the server; size and sha256 of the weights
    "small": (
        "2x1024_128_2048cnn_1xhighway",
        54_402_456,
        "747ba97abce8a5f446558369e10bb0f7931437a46867476fdd156f5d7f576229",
    ),
    "medium": ("2x2048_256_2048cnn_1xhighway", None, None),
    "original": ("2x4096_512_2048cnn_2xhighway", None, None),
    "original-5.5b": ("2x4096_512_2048cnn_2xhighway_5.5B", None, None),
}
_SHIPPED = Path(__file__).parents[1] / "shipped"
BILM_FILES = ("*.safetensors", "*.hdf5", "*.json", "vocabulary.txt")
"""A biLM's files in a repository of the hub, those of its softmax too."""

SHIPPED_NAMES = ("default", "shipped")
KNOWN_NAMES = (*SHIPPED_NAMES, *_OFFICIAL)
"""Names that need no file of the user's."""


def load_bilm(name: str = "default") -> BiLM:
    """Load a biLM by name; float32, frozen, in evaluation mode.

    Args:
        name: `default` or `shipped` (the biLM inside the package), `small`, `medium`, `original`, `original-5.5b` (the
            official ones, downloaded once into the cache folder), a folder, a `.safetensors` file,
            `options.json,weights.hdf5` (paths or http addresses), or a Hugging Face repository, `ORG/NAME` or
            `hf:ORG/NAME` (see `elmo_tasks.core.paths.hub_name`).

    Raises:
        InputError: nothing of that name, a file that is missing or broken, options that do not fit the weights, no
            network for a download.
    """
    if name in SHIPPED_NAMES:
        return _load_folder(shipped_folder())
    if name in _OFFICIAL:
        return _load_pair(*_official_files(name))
    if "," in name:
        options, _, weights = name.partition(",")
        return load_pair(options.strip(), weights.strip())
    path = Path(name).expanduser()
    if name and path.is_dir():
        return _load_folder(path)
    if path.suffix == ".safetensors":
        from elmo_tasks.elmo.weights.safetensors import read_safetensors

        return read_safetensors([path])
    if path.is_file():
        raise InputError(
            f"{path}: expected a folder, a .safetensors file or OPTIONS.json,WEIGHTS.hdf5, got a file of another kind; "
            "give both files of a bilm-tf pair, with a comma between them"
        )
    if (repository := hub_name(name)) is not None:
        return _load_folder(hub_folder(repository, BILM_FILES))
    raise InputError(
        f"no biLM named {name!r}: it is neither a folder nor a file nor a known name; "
        f"choose {', '.join(KNOWN_NAMES)}, a path, or hf:ORG/NAME for a repository on the Hugging Face hub"
    )


def load_pair(options: str, weights: str) -> BiLM:
    """Load a bilm-tf pair from paths or http addresses (these are downloaded once). Raises InputError."""
    return _load_pair(local_file(options), local_file(weights))


def local_file(place: str) -> Path:
    """The path of a file given as a path or as an http address, which is downloaded once into the cache folder."""
    if not place.startswith(("http://", "https://")):
        return Path(place).expanduser()
    for name, (architecture, _, _) in _OFFICIAL.items():
        for index, kind in enumerate(("options.json", "weights.hdf5")):
            if place.endswith(f"/elmo_{architecture}_{kind}"):  # also under the older address of the same files
                return _official_files(name)[index]
    import hashlib

    folder = hashlib.sha256(place.encode()).hexdigest()[:12]
    return fetch(RemoteFile(place), _weights_cache() / "addresses" / folder / (place.rsplit("/", 1)[-1] or "file"))


def _official_files(name: str) -> tuple[Path, Path]:
    architecture, size, sha256 = _OFFICIAL[name]
    stem = f"elmo_{architecture}"
    folder = _weights_cache() / name
    options, weights = folder / f"{stem}_options.json", folder / f"{stem}_weights.hdf5"
    try:
        fetch(RemoteFile(f"{_OFFICIAL_ROOT}/{architecture}/{options.name}"), options)
        fetch(RemoteFile(f"{_OFFICIAL_ROOT}/{architecture}/{weights.name}", size, sha256), weights)
    except InputError as error:
        if options.is_file() and weights.is_file():
            raise
        raise InputError(f"{error} ({name!r} needs both {options.name} and {weights.name} there)") from None
    return options, weights


def hub_folder(name: str, patterns: Sequence[str]) -> Path:
    """The files of a Hugging Face repository that fit the patterns, downloaded once into the cache folder.

    Raises:
        InputError: no such repository, or no network.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    try:
        folder = snapshot_download(name, allow_patterns=list(patterns), cache_dir=_weights_cache() / "hub")
    except (OSError, ValueError, HFValidationError) as error:  # the hub's own errors are OSErrors
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"{name}: neither a folder here nor a repository on the Hugging Face hub ({reason}); "
            "without a network, fetch the repository elsewhere and give its folder"
        ) from None
    return Path(folder)


def folder_of(name: str) -> Path | None:
    """The folder that the name of a biLM means to `load_bilm`, fetched if it is on the hub; none for names of files.

    Raises:
        InputError: no such repository, or no network.
    """
    if name in SHIPPED_NAMES:
        return shipped_folder()
    path = Path(name).expanduser()
    if name in _OFFICIAL or not name or path.is_file() or path.suffix == ".safetensors":
        return None
    if path.is_dir():
        return path
    repository = hub_name(name)
    return None if repository is None else hub_folder(repository, BILM_FILES)


def _load_pair(options: Path, weights: Path) -> BiLM:
    from elmo_tasks.elmo.weights.hdf5 import read_hdf5

    return read_hdf5(options, weights)


def _load_folder(folder: Path) -> BiLM:
    # A folder of pre-training also holds the softmax, which is no part of the biLM.
    shards = sorted(folder.glob("bilm*.safetensors")) or sorted(folder.glob("*.safetensors"))
    if shards:
        from elmo_tasks.elmo.weights.safetensors import read_safetensors

        return read_safetensors(shards)
    weights = sorted(folder.glob("*weights*.hdf5")) or sorted(folder.glob("*.hdf5"))
    options = sorted(folder.glob("*options*.json")) or sorted(folder.glob("*.json"))
    if len(weights) != 1 or len(options) != 1:
        raise InputError(
            f"{folder}: expected *.safetensors, or one *weights*.hdf5 beside one *options*.json, found "
            f"{len(weights)} .hdf5 and {len(options)} options files; name the two files as OPTIONS.json,WEIGHTS.hdf5"
        )
    return _load_pair(options[0], weights[0])


def shipped_folder() -> Path:
    """The biLM inside the package. Raises InputError when there is none."""
    if not any(_SHIPPED.glob("*.safetensors")):
        raise InputError(
            "expected the biLM inside the package, but none is shipped yet; name one: "
            f"{', '.join(_OFFICIAL)} (downloaded), a folder, OPTIONS.json,WEIGHTS.hdf5, or a Hugging Face repository"
        )
    return _SHIPPED


def _weights_cache() -> Path:
    from elmo_tasks.core.paths import cache_root

    return cache_root() / "weights"
