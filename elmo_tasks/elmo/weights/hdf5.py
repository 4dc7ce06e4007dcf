"""bilm-tf's weight files, `options.json` and HDF5. The only module that knows their names and layouts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.files import atomic_file
from elmo_tasks.elmo.bilm import BiLM, without_weights
from elmo_tasks.elmo.characters import N_CHARACTERS
from elmo_tasks.elmo.options import BilmOptions
from elmo_tasks.elmo.weights.hdf5_disk import hdf5_to_write
from elmo_tasks.elmo.weights.zipped import Place, one_line, opened, read_bytes

if TYPE_CHECKING:
    import h5py

MOST_EXPANSION, FREE_BYTES = 100, 1 << 26
"""The numbers of a file may take `FREE_BYTES` of memory, or `MOST_EXPANSION` times the file's size if that is more."""

# TensorFlow stores the gates as input, cell, forget, output; PyTorch as input, forget, cell, output. Self-inverse.
_GATE_ORDER = (0, 2, 1, 3)


def read_options(path: Place) -> BilmOptions:
    """Read an `options.json`. Raises InputError if it is missing or invalid."""
    if not path.exists():
        raise InputError(f"{path}: no such file; expected the options.json of a biLM")
    if not path.is_file():
        raise InputError(f"{path}: not a regular file; expected the options.json of a biLM")
    try:
        return BilmOptions.from_json(read_bytes(path).decode("utf-8-sig"), source=str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error}); expected the options.json of a biLM") from None


def read_hdf5(options_path: Place, weights_path: Place) -> BiLM:
    """Load a biLM in the format of bilm-tf and AllenNLP; frozen, in evaluation mode.

    The number of characters is taken from the weights: `n_characters` is 261 in the options for training and 262 in
    those for use (bilm-tf issues 144, 156, 181).

    Raises:
        InputError: a file is missing, damaged or truncated, refers to numbers outside (links, external storage, virtual
            datasets) or expands too much, or the options do not fit the weights; the message names the first dataset
            that differs.
    """
    import h5py

    options = read_options(options_path)
    if options.dictionary is not None:
        raise InputError(f"{options_path}: these are options of an ELMoForManyLangs biLM, which has no weights in HDF5")
    if not weights_path.is_file():
        raise InputError(f"{weights_path}: no such file; expected the HDF5 weights of a biLM")
    try:
        file = h5py.File(opened(weights_path), "r")
    except OSError as error:
        raise InputError(
            f"{weights_path}: not an HDF5 file, or damaged or truncated ({one_line(error)}); download it again"
        ) from None
    with file:
        try:
            datasets = _read_datasets(file, options, options_path, weights_path)
        except InputError:
            raise
        except Exception as error:  # h5py raises various exceptions for damaged content
            raise InputError(
                f"{weights_path}: the HDF5 file is damaged ({one_line(error)}); download it again"
            ) from None
    return build(options, from_datasets(datasets, options))


def write_hdf5(bilm: BiLM, options_path: Path, weights_path: Path) -> None:
    """Write a biLM in the format of bilm-tf's `dump_weights`, for bilm-tf, AllenNLP and other readers of these files.

    Both files appear complete or not at all. bilm-tf itself omits a projection that does not reduce the width
    (`n_filters == projection_dim`, `dim == projection_dim`); AllenNLP and this reader do not.

    Raises:
        InputError: the biLM is one of ELMoForManyLangs, for which there are no such files.
    """
    if bilm.options.dictionary is not None:
        raise InputError(
            f"{weights_path}: an ELMoForManyLangs biLM cannot be written as bilm-tf's HDF5; write safetensors instead"
        )

    for path in (options_path, weights_path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(options_path) as options, atomic_file(weights_path) as weights:
        with hdf5_to_write(weights) as file:
            for name, tensor in to_datasets(bilm.state_dict(), bilm.options).items():
                file.create_dataset(name, data=tensor.detach().to("cpu", torch.float32).numpy())
        options.write_text(bilm.options.to_json(), encoding="utf-8")


def build(options: BilmOptions, state: Mapping[str, Tensor]) -> BiLM:
    """A frozen biLM in evaluation mode that uses the tensors of `state` directly, without initialisation."""
    bilm = without_weights(options)
    bilm.load_state_dict(dict(state), assign=True)
    return bilm.requires_grad_(False).eval()


def dataset_shapes(options: BilmOptions) -> dict[str, tuple[int, ...]]:
    """Name and shape of every dataset in a weight file with these options."""
    filters, projected = options.n_filters, options.projection_dim
    shapes: dict[str, tuple[int, ...]] = {"char_embed": (N_CHARACTERS - 1, options.char_dim)}
    for index, (width, count) in enumerate(options.filters):
        shapes[f"CNN/W_cnn_{index}"] = (1, width, options.char_dim, count)
        shapes[f"CNN/b_cnn_{index}"] = (count,)
    for index in range(options.n_highway):
        for part in ("transform", "carry"):
            shapes[f"CNN_high_{index}/W_{part}"] = (filters, filters)
            shapes[f"CNN_high_{index}/b_{part}"] = (filters,)
    shapes["CNN_proj/W_proj"] = (filters, projected)
    shapes["CNN_proj/b_proj"] = (projected,)
    for _, cell in _cells(options):
        shapes[f"{cell}/W_0"] = (2 * projected, 4 * options.cell_dim)
        shapes[f"{cell}/B"] = (4 * options.cell_dim,)
        shapes[f"{cell}/W_P_0"] = (options.cell_dim, projected)
    return shapes


def from_datasets(datasets: Mapping[str, Tensor], options: BilmOptions) -> dict[str, Tensor]:
    """Convert bilm-tf's datasets to the state of a `BiLM`."""
    state: dict[str, Tensor] = {}
    embedding = datasets["char_embed"]  # (261, E)
    # Row 0 is for absent words; bilm-tf adds it when loading.
    state["token_encoder.embedding.weight"] = torch.cat([torch.zeros_like(embedding[:1]), embedding])  # (262, E)
    for index in range(len(options.filters)):
        convolution = f"token_encoder.convolutions.{index}"
        state[f"{convolution}.weight"] = datasets[f"CNN/W_cnn_{index}"].squeeze(0).permute(2, 1, 0)  # (F, E, W)
        state[f"{convolution}.bias"] = datasets[f"CNN/b_cnn_{index}"]
    for index in range(options.n_highway):
        for part in ("transform", "carry"):
            gate = f"token_encoder.highways.{index}.{part}"
            state[f"{gate}.weight"] = datasets[f"CNN_high_{index}/W_{part}"].t()
            state[f"{gate}.bias"] = datasets[f"CNN_high_{index}/b_{part}"]
    state["token_encoder.projection.weight"] = datasets["CNN_proj/W_proj"].t()
    state["token_encoder.projection.bias"] = datasets["CNN_proj/b_proj"]
    for layer, cell in _cells(options):
        kernel = _swap_gates(datasets[f"{cell}/W_0"].t())  # (4H, 2P)
        # Input and hidden state both have width P: the columns of the kernel are [input, hidden].
        state[f"{layer}.weight_ih"], state[f"{layer}.weight_hh"] = kernel.chunk(2, dim=1)
        state[f"{layer}.stored_bias"] = _swap_gates(datasets[f"{cell}/B"])
        state[f"{layer}.weight_proj"] = datasets[f"{cell}/W_P_0"].t()
    return {name: tensor.contiguous() for name, tensor in state.items()}


def to_datasets(state: Mapping[str, Tensor], options: BilmOptions) -> dict[str, Tensor]:
    """Convert the state of a `BiLM` to bilm-tf's datasets."""
    datasets: dict[str, Tensor] = {"char_embed": state["token_encoder.embedding.weight"][1:]}
    for index in range(len(options.filters)):
        convolution = f"token_encoder.convolutions.{index}"
        datasets[f"CNN/W_cnn_{index}"] = state[f"{convolution}.weight"].permute(2, 1, 0).unsqueeze(0)
        datasets[f"CNN/b_cnn_{index}"] = state[f"{convolution}.bias"]
    for index in range(options.n_highway):
        for part in ("transform", "carry"):
            gate = f"token_encoder.highways.{index}.{part}"
            datasets[f"CNN_high_{index}/W_{part}"] = state[f"{gate}.weight"].t()
            datasets[f"CNN_high_{index}/b_{part}"] = state[f"{gate}.bias"]
    datasets["CNN_proj/W_proj"] = state["token_encoder.projection.weight"].t()
    datasets["CNN_proj/b_proj"] = state["token_encoder.projection.bias"]
    for layer, cell in _cells(options):
        kernel = torch.cat([state[f"{layer}.weight_ih"], state[f"{layer}.weight_hh"]], dim=1)  # (4H, 2P)
        datasets[f"{cell}/W_0"] = _swap_gates(kernel).t()
        datasets[f"{cell}/B"] = _swap_gates(state[f"{layer}.stored_bias"])
        datasets[f"{cell}/W_P_0"] = state[f"{layer}.weight_proj"].t()
    return {name: tensor.contiguous() for name, tensor in datasets.items()}


def _cells(options: BilmOptions) -> Iterator[tuple[str, str]]:
    """Yield our name and bilm-tf's name of every LSTM layer, forward direction first."""
    for index, direction in enumerate(("forward", "backward")):
        for layer in range(options.n_layers):
            yield f"{direction}_layers.{layer}", f"RNN_{index}/RNN/MultiRNNCell/Cell{layer}/LSTMCell"


def _swap_gates(tensor: Tensor) -> Tensor:
    """Convert (4H, ...) between TensorFlow's and PyTorch's order of gates."""
    gates = tensor.chunk(4)
    return torch.cat([gates[index] for index in _GATE_ORDER])


def _read_datasets(
    file: h5py.File, options: BilmOptions, options_path: Place, weights_path: Place
) -> dict[str, Tensor]:
    import h5py

    doubt = f"is {options_path} the options file of these weights?"
    expected = dataset_shapes(options)
    _refuse_links(file, expected, weights_path)
    needed = 4 * sum(math.prod(shape) for shape in expected.values())
    if needed > max(FREE_BYTES, MOST_EXPANSION * file.id.get_filesize()):
        raise InputError(
            f"{weights_path}: the numbers need {needed:,} bytes, over {MOST_EXPANSION} times the file size; {doubt}"
        )
    found: dict[str, h5py.Dataset] = {}
    file.visititems(lambda name, item: found.update({name: item}) if isinstance(item, h5py.Dataset) else None)
    left_out = _left_out(options, found)
    datasets: dict[str, Tensor] = {}
    for name, shape in expected.items():
        if name in found:
            datasets[name] = _read_dataset(found[name], name, shape, doubt, weights_path)
        elif name in left_out:
            datasets[name] = torch.eye(shape[0]) if len(shape) == 2 else torch.zeros(shape)
        else:
            raise InputError(f"{weights_path}: the dataset {name} of shape {shape} is missing; {doubt}")
    for name, dataset in found.items():
        if name not in expected and name.startswith(("CNN", "RNN")):
            raise InputError(
                f"{weights_path}: the dataset {name} of shape {dataset.shape} does not belong to the options; {doubt}"
            )
    return datasets


def _refuse_links(file: h5py.File, names: Iterable[str], path: Place) -> None:
    """Refuse links in place of datasets or groups: bilm-tf writes none, and they may lead anywhere."""
    import h5py

    for name in names:
        parts = name.split("/")
        for number in range(1, len(parts) + 1):
            within = "/".join(parts[:number])
            link = file.get(within, getlink=True)
            if link is None:
                break
            if not isinstance(link, h5py.HardLink):
                raise InputError(
                    f"{path}: {within} is a link, which is not followed; write the numbers themselves into the file"
                )


def _read_dataset(dataset: h5py.Dataset, name: str, shape: tuple[int, ...], doubt: str, weights_path: Place) -> Tensor:
    if dataset.is_virtual or dataset.external:
        raise InputError(
            f"{weights_path}: the numbers of {name} are in another file, which is not read; write them into this file"
        )
    got = tuple(dataset.shape)
    # Trained with n_characters 262: the last row belongs to no character and was never used.
    surplus_row = name == "char_embed" and got == (shape[0] + 1, shape[1])
    if got != shape and not surplus_row:
        raise InputError(f"{weights_path}: the shape of {name} is {got}, not {shape}; {doubt}")
    try:
        array = np.asarray(dataset[...], dtype=np.float32)
    except (OSError, TypeError, ValueError) as error:
        raise InputError(
            f"{weights_path}: the numbers of {name} cannot be read ({one_line(error)}); download it again"
        ) from None
    if not np.isfinite(array).all():
        raise InputError(f"{weights_path}: {name} contains NaN or infinity; download it again")
    return torch.from_numpy(array[: shape[0]])


def _left_out(options: BilmOptions, found: Mapping[str, h5py.Dataset]) -> set[str]:
    """Datasets that bilm-tf did not write because the projection does not reduce the width. They are the identity."""
    names: set[str] = set()
    if options.n_filters == options.projection_dim and "CNN_proj/W_proj" not in found:
        names |= {"CNN_proj/W_proj", "CNN_proj/b_proj"}
    if options.cell_dim == options.projection_dim:
        names |= {f"{cell}/W_P_0" for _, cell in _cells(options)}
    return names
