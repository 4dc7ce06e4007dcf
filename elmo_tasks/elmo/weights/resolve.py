"""Load a biLM by its name."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.paths import hub_name
from elmo_tasks.elmo.weights import published
from elmo_tasks.elmo.weights.download import RemoteFile, fetch
from elmo_tasks.elmo.weights.zipped import Place, one_line, open_zip

if TYPE_CHECKING:
    from elmo_tasks.elmo.bilm import BiLM

_SHIPPED = Path(__file__).parents[1] / "shipped"
BILM_FILES = ("*.safetensors", "*.hdf5", "*.json", "vocabulary.txt")
"""File patterns of a biLM in a repository on the hub, including its softmax."""
_READ_FROM_HUB = (*BILM_FILES, "encoder.pkl", "token_embedder.pkl", "char.dic", "word.dic")  # ELMoForManyLangs' too

SHIPPED_NAMES = ("default", "shipped")
KNOWN_NAMES = (*SHIPPED_NAMES, *published.NAMES)
"""Names that need no files from the user."""


def load_bilm(name: str = "default") -> BiLM:
    """Load a biLM by name; float32, frozen, in evaluation mode.

    Args:
        name: `default` or `shipped` (the biLM inside the package); `small`, `medium`, `original`, `original-5.5b`
            (AllenNLP's), `pubmed`, `portuguese`, `basque` or `manylangs-de` (ELMoForManyLangs', with the code of one of
            its 44 languages), which are downloaded once into the cache folder; a folder or a `.zip` file with weights
            of bilm-tf, ELMoForManyLangs or this package; a `.safetensors` file; `options.json,weights.hdf5`; or a
            Hugging Face repository, `ORG/NAME` or `hf:ORG/NAME` (see `elmo_tasks.core.paths.hub_name`). Pairs and
            `.zip` files may be http addresses.

    Raises:
        InputError: there is no biLM of that name, a file is missing or damaged, the options do not fit the weights, the
            model is of another kind, or there is no network for a download.
    """
    name = published.OTHER_SPELLINGS.get(name, name)
    if name in SHIPPED_NAMES:
        return _load_folder(shipped_folder())
    if name in published.PAIRS:
        return _load_pair(*_published_files(name))
    if name in published.ZIPS:
        address = published.ZIPS[name]
        return _load_folder(open_zip(fetch(RemoteFile(address), _weights_cache() / name / Path(address).name)))
    try:
        path = Path(name).expanduser()
        is_folder, is_file = bool(name) and path.is_dir(), path.is_file()
    except (OSError, RuntimeError, ValueError) as error:
        raise InputError(f"no biLM named {name!r:.100}: this cannot be a path ({one_line(error):.100})") from None
    if is_folder:
        return _load_folder(path)
    if path.suffix == ".zip":
        return _load_folder(open_zip(local_file(name)))
    if is_file or path.suffix == ".safetensors":
        return _load_file(path)
    if "," in name:
        return load_pair(*_pair(name))
    if Path(f"{path}.index").is_file():
        raise InputError(_checkpoint(path))
    if (repository := hub_name(name)) is not None:
        return _load_folder(hub_folder(repository, _READ_FROM_HUB))
    choices = ", ".join((*SHIPPED_NAMES, *published.IN_SHORT))
    raise InputError(
        f"no biLM named {name!r}: not a folder, a file or a known name; choose {choices}, a path, or hf:ORG/NAME for a "
        "repository on the Hugging Face hub"
    )


def load_pair(options: str, weights: str) -> BiLM:
    """Load a bilm-tf pair from paths or http addresses, which are downloaded once. Raises InputError."""
    return _load_pair(local_file(options), local_file(weights))


def local_file(place: str) -> Path:
    """The path of a file given as a path or as an http address, which is downloaded once into the cache folder."""
    if not place.startswith(("http://", "https://")):
        return Path(place).expanduser()
    for name, pair in published.PAIRS.items():
        where = pair.root.removeprefix(published.ALLENNLP)
        for index, file in enumerate((pair.options, pair.weights)):
            if place.endswith(f"{where}/{file}"):  # also under the older address of the same files
                return _published_files(name)[index]
    import hashlib

    folder = hashlib.sha256(place.encode()).hexdigest()[:12]
    return fetch(RemoteFile(place), _weights_cache() / "addresses" / folder / (place.rsplit("/", 1)[-1] or "file"))


def _published_files(name: str) -> tuple[Path, Path]:
    pair, folder = published.PAIRS[name], _weights_cache() / name
    options, weights = folder / pair.options, folder / pair.weights
    try:
        fetch(RemoteFile(f"{pair.root}/{options.name}"), options)
        fetch(RemoteFile(f"{pair.root}/{weights.name}", pair.size, pair.sha256), weights)
    except InputError as error:
        if options.is_file() and weights.is_file():
            raise
        raise InputError(f"{error} ({name!r} needs both {options.name} and {weights.name} there)") from None
    return options, weights


def hub_folder(name: str, patterns: Sequence[str]) -> Path:
    """Download the files of a Hugging Face repository that match the patterns, once, into the cache folder.

    Raises:
        InputError: the repository does not exist, or there is no network.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    try:
        folder = snapshot_download(name, allow_patterns=list(patterns), cache_dir=_weights_cache() / "hub")
    except (OSError, ValueError, HFValidationError) as error:  # the hub's own errors are OSErrors
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"{name}: neither a folder here nor a repository on the Hugging Face hub ({reason}); "
            "without a network, download the repository elsewhere and give its folder"
        ) from None
    return Path(folder)


def folder_of(name: str) -> Path | None:
    """The folder that `load_bilm` would use for a name, downloaded if it is on the hub; None for names of files.

    Raises:
        InputError: the repository does not exist, or there is no network.
    """
    if name in SHIPPED_NAMES:
        return shipped_folder()
    path = Path(name).expanduser()
    if name in KNOWN_NAMES or not name or path.is_file() or path.suffix in (".safetensors", ".zip"):
        return None
    if path.is_dir():
        return path
    repository = hub_name(name)
    return None if repository is None else hub_folder(repository, _READ_FROM_HUB)


def _pair(name: str) -> tuple[str, str]:
    """Split `OPTIONS,WEIGHTS` at the comma that follows an existing file, else at the one after `.json`."""
    parts = name.split(",")
    pairs = [(",".join(parts[:end]).strip(), ",".join(parts[end:]).strip()) for end in range(1, len(parts))]
    existing = [pair for pair in pairs if Path(pair[0]).expanduser().is_file()]
    return next(iter([*existing, *(pair for pair in pairs if pair[0].endswith(".json")), *pairs]))


def _load_pair(options: Place, weights: Place) -> BiLM:
    from elmo_tasks.elmo.weights.hdf5 import read_hdf5

    return read_hdf5(options, weights)


def _load_file(path: Path) -> BiLM:
    if path.suffix == ".safetensors":
        from elmo_tasks.elmo.weights.safetensors import read_safetensors

        return read_safetensors([path])
    if path.name == "checkpoint" or ".ckpt" in path.name:
        raise InputError(_checkpoint(path))
    if path.suffix == ".pkl":
        raise InputError(f"{path}: is one of several files of ELMoForManyLangs; give the folder that contains them")
    if ".tar" in path.suffixes or path.suffix == ".tgz":
        raise InputError(f"{path}: archives other than zip cannot be read; unpack it and give its folder")
    raise InputError(
        f"{path}: not a folder, a .safetensors or .zip file, or OPTIONS.json,WEIGHTS.hdf5; give both files of a "
        "bilm-tf pair, separated by a comma"
    )


def _load_folder(folder: Place) -> BiLM:
    from elmo_tasks.elmo.weights.many_langs import ENCODER, TOKEN_EMBEDDER, read_many_langs

    try:
        files = {place.name: place for place in folder.iterdir() if not place.name.startswith(".") and place.is_file()}
    except OSError as error:
        raise InputError(f"{folder}: the folder cannot be read ({error.strerror or error})") from None

    def of(*patterns: str) -> list[Place]:
        """The files that match the first pattern with any match."""
        found = ([files[name] for name in sorted(files) if fnmatch(name, pattern)] for pattern in patterns)
        return next((some for some in found if some), [])

    # A folder of pre-training also contains the softmax, which is not part of the biLM.
    shards = of("bilm*.safetensors", "*.safetensors")
    if shards:
        from elmo_tasks.elmo.weights.safetensors import read_safetensors

        on_disk = [shard for shard in shards if isinstance(shard, Path)]
        if len(on_disk) < len(shards):
            raise InputError(f"{shards[0]}: safetensors cannot be read from a zip; unpack it and give its folder")
        return read_safetensors(on_disk)
    if ENCODER in files or TOKEN_EMBEDDER in files:
        return read_many_langs(folder)
    weights, options = of("*weights*.hdf5", "*.hdf5"), of("*options*.json", "*.json")
    if not weights and (checkpoints := of("*.ckpt*.index", "*.index", "checkpoint")):
        raise InputError(_checkpoint(checkpoints[0]))
    if len(weights) != 1 or len(options) != 1:
        raise InputError(
            f"{folder}: has {len(weights)} .hdf5 and {len(options)} options files; expected *.safetensors, or one "
            "*weights*.hdf5 and one *options*.json; name the two files as OPTIONS.json,WEIGHTS.hdf5"
        )
    return _load_pair(options[0], weights[0])


def _checkpoint(place: Place) -> str:
    """The message for a TensorFlow checkpoint."""
    return (
        f"{place}: is a TensorFlow checkpoint, which only TensorFlow can read; export it with bilm-tf, `python "
        "bin/dump_weights.py --save_dir FOLDER --outfile FOLDER/weights.hdf5`, then give FOLDER"
    )


def shipped_folder() -> Path:
    """The folder of the biLM in the package. Raises InputError if there is none."""
    if not any(_SHIPPED.glob("*.safetensors")):
        raise InputError(
            "this package contains no biLM; name one: "
            f"{', '.join(published.IN_SHORT)} (downloaded), a folder, OPTIONS.json,WEIGHTS.hdf5, or a Hugging Face "
            "repository"
        )
    return _SHIPPED


def _weights_cache() -> Path:
    from elmo_tasks.core.paths import cache_root

    return cache_root() / "weights"
