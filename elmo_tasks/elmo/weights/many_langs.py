"""The biLMs of ELMoForManyLangs (Che et al. 2018). Only this module knows their files, names and layouts.

A folder or zip has `char.dic`, `word.dic`, `config.json`, `encoder.pkl` and `token_embedder.pkl`. Only tensors are read
from the two pickles. Sizes are taken from the tensors; a configuration must agree with them.
"""

from __future__ import annotations

import json
import ntpath
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from elmo_tasks.core.errors import InputError
from elmo_tasks.elmo.bilm import BiLM
from elmo_tasks.elmo.options import BilmOptions
from elmo_tasks.elmo.weights.hdf5 import build
from elmo_tasks.elmo.weights.zipped import Place, one_line, opened, read_bytes

ENCODER, TOKEN_EMBEDDER = "encoder.pkl", "token_embedder.pkl"
"""Files that identify such a folder."""

_PUBLISHED = "cnn_50_100_512_4096_sample.json"
_PUBLISHED_VALUES: Mapping[str, Any] = {  # which its code uses if this file is not in the folder
    "token_embedder": {"activation": "relu", "max_characters_per_token": 50},
    "encoder": {"cell_clip": 3, "proj_clip": 3},
}
_NO_ENTRY = "\u3000"  # what its code reads from a dictionary line with only a number


def read_many_langs(folder: Place) -> BiLM:
    """Load an ELMoForManyLangs biLM, which computes the same as its `sents2elmo`; float32, frozen, in evaluation mode.

    Deviation: no state is carried from one batch to the next, as everywhere in this package. The results are those of
    their first batch.

    Raises:
        InputError: a file is missing, damaged or contains more than tensors, the files do not fit each other, or the
            model is of a kind that was never published: only words, an LSTM over characters, or PyTorch's LSTM.
    """
    tokens, layers = _Tensors.of(folder / TOKEN_EMBEDDER), _Tensors.of(folder / ENCODER)
    if "char_emb_layer.embedding.weight" not in tokens.by_name or "char_lstm.weight_ih_l0" in tokens.by_name:
        raise InputError(f"{tokens.place}: there is no character CNN; only ELMoForManyLangs biLMs with one can be read")
    if "forward_layer_0.state_projection.weight" not in layers.by_name:
        raise InputError(
            f"{layers.place}: there are no layers of ELMoForManyLangs' encoder `elmo`, the only kind that can be read"
        )
    config, source = _configuration(folder)
    embedder, encoder = config["token_embedder"], config["encoder"]
    projection_dim, cell_dim = layers.shape("forward_layer_0.state_projection.weight", 2)
    filters = [tokens.shape(name, 3) for name in tokens.numbered("convolutions.{}.weight")]  # (F, E, K) each
    sizes: dict[str, dict[str, Any]] = {
        "token_embedder": {
            "char_dim": tokens.shape("char_emb_layer.embedding.weight", 2)[1],
            "filters": [[width, count] for count, _, width in filters],
            "n_highway": len(tokens.numbered("highways._layers.{}.weight")),
            "word_dim": tokens.shape(_WORD_VECTORS, 2)[1] if _WORD_VECTORS in tokens.by_name else 0,
        },
        "encoder": {
            "dim": cell_dim,
            "n_layers": len(layers.numbered("forward_layer_{}.state_projection.weight")),
            "projection_dim": projection_dim,
        },
    }
    for part, found in sizes.items():
        for key, size in found.items():
            if config[part].get(key, size) != size:
                raise InputError(
                    f"{source}: {part}.{key} is {config[part][key]!r:.60}, but the weights have {size}; is it the "
                    "configuration of these weights?"
                )
    options = BilmOptions.from_dict(
        {
            "char_cnn": {
                "activation": embedder.get("activation"),
                "embedding": {"dim": sizes["token_embedder"]["char_dim"]},
                "filters": sizes["token_embedder"]["filters"],
                "max_characters_per_token": embedder.get("max_characters_per_token"),
                "n_highway": sizes["token_embedder"]["n_highway"],
                "dictionary": _dictionary(folder, tokens),
            },
            "lstm": {
                **sizes["encoder"],
                "cell_clip": encoder.get("cell_clip"),
                "proj_clip": encoder.get("proj_clip"),
                "use_skip_connections": True,
            },
        },
        source,
    )
    tokens.check(_token_shapes(options))
    layers.check(_layer_shapes(options))
    return build(options, _token_state(tokens.by_name, options) | _layer_state(layers.by_name, options))


_WORD_VECTORS = "word_emb_layer.embedding.weight"


@dataclass(frozen=True)
class _Tensors:
    """The tensors in one pickle, by name."""

    place: Place
    by_name: Mapping[str, Tensor]

    @classmethod
    def of(cls, place: Place) -> _Tensors:
        """Read only tensors. Raises InputError."""
        if not place.is_file():
            raise InputError(f"{place}: no such file; expected the weights of ELMoForManyLangs")
        try:
            file = opened(place)
            if zipfile.is_zipfile(file):  # PyTorch stores bytes uncompressed; compressed ones could expand to any size
                with zipfile.ZipFile(file) as archive:
                    if any(info.compress_type != zipfile.ZIP_STORED for info in archive.infolist()):
                        raise InputError(
                            f"{place}: the content is compressed, which PyTorch never does; download it again"
                        )
            if not isinstance(file, Path):
                file.seek(0)
            loaded = torch.load(file, map_location="cpu", weights_only=True)
            tensors = {str(name): _plain(tensor) for name, tensor in loaded.items()}
        except InputError:
            raise
        except Exception:  # unpickling a damaged file raises various exceptions
            raise InputError(
                f"{place}: not the weights of ELMoForManyLangs: damaged, or more than tensors; nothing in the file was "
                "executed; download it again"
            ) from None
        return cls(place, tensors)

    def shape(self, name: str, dimensions: int) -> tuple[int, ...]:
        """The shape of a tensor. Raises InputError if it is missing or has another number of dimensions."""
        got = tuple(self.by_name[name].shape) if name in self.by_name else None
        if got is None or len(got) != dimensions:
            raise InputError(
                f"{self.place}: the shape of {name} is {got or 'none'}, but it must have {dimensions} dimensions"
            )
        return got

    def numbered(self, pattern: str) -> list[str]:
        """The names of a pattern with 0, 1, ..., up to the first that does not exist."""
        names: list[str] = []
        while (name := pattern.format(len(names))) in self.by_name:
            names.append(name)
        return names

    def check(self, expected: Mapping[str, tuple[int, ...]]) -> None:
        """Raises InputError for the first tensor that is missing, superfluous, of another shape, or not finite."""
        for name in sorted(expected.keys() | self.by_name.keys()):
            got = tuple(self.by_name[name].shape) if name in self.by_name else None
            if got != expected.get(name):
                raise InputError(
                    f"{self.place}: the shape of {name} is {got or 'none'}, not {expected.get(name) or 'none'}; do all "
                    "files in the folder belong to one biLM?"
                )
            if not bool(torch.isfinite(self.by_name[name]).all()):
                raise InputError(f"{self.place}: {name} contains NaN or infinity; download it again")


def _plain(tensor: Any) -> Tensor:
    """Convert to float32. Raises an exception for anything but an ordinary tensor with all its bytes in the file."""
    if not isinstance(tensor, Tensor) or tensor.layout != torch.strided or not tensor.is_contiguous():
        raise TypeError("not a tensor")
    if tensor.nbytes > tensor.untyped_storage().nbytes() or not tensor.is_floating_point():
        raise ValueError("not numbers")
    return tensor.detach().to("cpu", torch.float32)


def _configuration(folder: Place) -> tuple[Mapping[str, Any], str]:
    """The configuration named in `config.json`, and its source for messages.

    Only its file name counts: in the published files, the path is one on the machine where they were trained.
    """
    config = folder / "config.json"
    named = ntpath.basename(str(_json_object(config).get("config_path") or ""))
    place = folder / named
    if named in ("", "..") or not place.is_file():
        if named != _PUBLISHED:
            raise InputError(
                f"{config}: the configuration {named!r} that it refers to is not in the folder; put it there"
            )
        return _PUBLISHED_VALUES, str(config)
    values = _json_object(place)
    for part in ("token_embedder", "encoder"):
        if not isinstance(values.get(part), dict):
            raise InputError(f"{place}: there is no {part}; expected a configuration of ELMoForManyLangs")
    return values, str(place)


def _json_object(place: Place) -> dict[str, Any]:
    try:
        values = json.loads(_text(place))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{place}: not valid JSON ({one_line(error)})") from None
    if not isinstance(values, dict):
        raise InputError(f"{place}: must be a JSON object, not {type(values).__name__}")
    return values


def _text(place: Place) -> str:
    if not place.is_file():
        raise InputError(f"{place}: no such file; an ELMoForManyLangs biLM needs it")
    try:
        return read_bytes(place).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{place}: cannot be read as UTF-8 ({one_line(error)})") from None


def _dictionary(folder: Place, tokens: _Tensors) -> dict[str, Any]:
    """The two dictionaries, in the form of `Dictionary.from_dict`."""
    characters = _entries(folder / "char.dic", tokens.shape("char_emb_layer.embedding.weight", 2)[0])
    words, word_dim = [], 0
    if _WORD_VECTORS in tokens.by_name:
        rows, word_dim = tokens.shape(_WORD_VECTORS, 2)
        words = _entries(folder / "word.dic", rows)
    return {"characters": characters, "words": words, "word_dim": word_dim}


def _entries(place: Place, rows: int) -> list[str]:
    """The entries of a dictionary in the order of their numbers, one per row."""
    entries: dict[int, str] = {}
    for line_number, line in enumerate(_text(place).removesuffix("\n").split("\n"), 1):
        *entry, number = line.strip().split("\t")
        row = int(number) if number.isdecimal() and len(number) < 10 else rows
        if len(entry) > 1 or row >= rows or row in entries:
            raise InputError(
                f"{place}:{line_number}: not an entry, a tab and a new number below {rows} (the number of vectors): "
                f"{line.strip()!r:.60}"
            )
        entries[row] = entry[0] if entry else _NO_ENTRY
    if len(entries) < rows:
        raise InputError(
            f"{place}: there are {len(entries)} entries for {rows} vectors; is it the dictionary of these weights?"
        )
    return [entries[row] for row in range(rows)]


def _token_shapes(options: BilmOptions) -> dict[str, tuple[int, ...]]:
    assert options.dictionary is not None
    total = options.n_filters
    shapes = {
        "char_emb_layer.embedding.weight": (len(options.dictionary.characters), options.char_dim),
        "projection.weight": (options.projection_dim, options.word_dim + total),
        "projection.bias": (options.projection_dim,),
    }
    if options.dictionary.words:
        shapes[_WORD_VECTORS] = (len(options.dictionary.words), options.word_dim)
    for index, (width, count) in enumerate(options.filters):
        shapes[f"convolutions.{index}.weight"] = (count, options.char_dim, width)
        shapes[f"convolutions.{index}.bias"] = (count,)
    for index in range(options.n_highway):
        shapes[f"highways._layers.{index}.weight"] = (2 * total, total)
        shapes[f"highways._layers.{index}.bias"] = (2 * total,)
    return shapes


def _layer_shapes(options: BilmOptions) -> dict[str, tuple[int, ...]]:
    cell, hidden = options.cell_dim, options.projection_dim
    return {
        f"{direction}_layer_{index}.{name}": shape
        for direction in ("forward", "backward")
        for index in range(options.n_layers)
        for name, shape in (
            ("input_linearity.weight", (4 * cell, hidden)),
            ("state_linearity.weight", (4 * cell, hidden)),
            ("state_linearity.bias", (4 * cell,)),
            ("state_projection.weight", (hidden, cell)),
        )
    }


def _token_state(tensors: Mapping[str, Tensor], options: BilmOptions) -> dict[str, Tensor]:
    """Convert the token embedder to the state of a `CharacterEncoder`, with names prefixed by `token_encoder.`."""
    state = {"embedding.weight": _with_absent(tensors["char_emb_layer.embedding.weight"])}
    if _WORD_VECTORS in tensors:
        state["word_embedding.weight"] = _with_absent(tensors[_WORD_VECTORS])
    for index in range(options.n_highway):
        for part in ("weight", "bias"):
            value, gate = tensors[f"highways._layers.{index}.{part}"].chunk(2)
            state[f"highways.{index}.transform.{part}"] = value.clone()
            # Their gate passes the input of the layer, ours the transformed value: sigmoid(-x) = 1 - sigmoid(x).
            state[f"highways.{index}.carry.{part}"] = -gate
    same = {name: tensor for name, tensor in tensors.items() if name.startswith(("convolutions.", "projection."))}
    return {f"token_encoder.{name}": tensor for name, tensor in (state | same).items()}


def _layer_state(tensors: Mapping[str, Tensor], options: BilmOptions) -> dict[str, Tensor]:
    """Convert the encoder to the state of the LSTM layers of a `BiLM`; the gates are already in our order."""
    state = {}
    for direction in ("forward", "backward"):
        for index in range(options.n_layers):
            theirs, ours = f"{direction}_layer_{index}", f"{direction}_layers.{index}"
            state[f"{ours}.weight_ih"] = tensors[f"{theirs}.input_linearity.weight"]
            state[f"{ours}.weight_hh"] = tensors[f"{theirs}.state_linearity.weight"]
            state[f"{ours}.weight_proj"] = tensors[f"{theirs}.state_projection.weight"]
            bias = tensors[f"{theirs}.state_linearity.bias"].clone()  # (4H,)
            bias[options.cell_dim : 2 * options.cell_dim] -= 1.0  # which `ProjectedLstm` adds to the forget gate
            state[f"{ours}.stored_bias"] = bias
    return state


def _with_absent(embedding: Tensor) -> Tensor:
    """(V, E) -> (1 + V, E), with a first row for id 0, an absent word."""
    return torch.cat([torch.zeros_like(embedding[:1]), embedding])
