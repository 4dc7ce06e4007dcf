from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from elmo_tasks.core.errors import InputError
from elmo_tasks.elmo.bilm import BiLM
from elmo_tasks.elmo.characters import batch_to_ids
from elmo_tasks.elmo.options import BilmOptions
from elmo_tasks.elmo.weights.hdf5 import read_hdf5, write_hdf5
from elmo_tasks.elmo.weights.safetensors import read_safetensors, write_safetensors

Pair = tuple[Path, Path]


def datasets(path: Path) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    with h5py.File(path, "r") as file:
        file.visititems(lambda name, item: found.update({name: item[...]}) if isinstance(item, h5py.Dataset) else None)
    return found


def change_options(pair: Pair, section: str, **values: object) -> None:
    options = json.loads(pair[0].read_text())
    options[section] |= values
    pair[0].write_text(json.dumps(options))


def test_reading_gives_a_frozen_biLM_in_evaluation_mode(pair: Pair, random_bilm: Callable[..., BiLM]) -> None:
    bilm, written = read_hdf5(*pair), random_bilm()
    assert not bilm.training and not any(parameter.requires_grad for parameter in bilm.parameters())
    ids = batch_to_ids([["a", "bc"]])
    assert torch.equal(bilm(ids).layers, written(ids).layers)
    assert bilm.options == written.options


def test_hdf5_to_safetensors_to_hdf5_keeps_every_bit(pair: Pair, tmp_path: Path) -> None:
    write_safetensors(read_hdf5(*pair), tmp_path / "tiny.safetensors")
    write_hdf5(read_safetensors([tmp_path / "tiny.safetensors"]), tmp_path / "o.json", tmp_path / "w.hdf5")
    before, after = datasets(pair[1]), datasets(tmp_path / "w.hdf5")
    assert before.keys() == after.keys()
    for name, array in before.items():
        assert array.dtype == after[name].dtype and array.tobytes() == after[name].tobytes(), name
    assert (tmp_path / "o.json").read_text() == pair[0].read_text()
    assert not list(tmp_path.rglob("*.part"))


def test_names_and_layouts_by_hand(tmp_path: Path) -> None:
    """Each number of a file filled with 0, 1, 2, ... must be read into its place in bilm-tf's layout."""
    options = BilmOptions(char_dim=2, filters=((1, 2), (2, 3)), n_highway=1, cell_dim=4, projection_dim=3, n_layers=1)
    write_hdf5(BiLM(options), tmp_path / "o.json", tmp_path / "w.hdf5")
    with h5py.File(tmp_path / "w.hdf5", "r+") as file:
        assert file["char_embed"].shape == (261, 2)
        assert file["CNN/W_cnn_1"].shape == (1, 2, 2, 3)
        assert file["RNN_1/RNN/MultiRNNCell/Cell0/LSTMCell/W_0"].shape == (6, 16)
        for name in ("char_embed", "CNN/W_cnn_1", "CNN_high_0/W_carry", "RNN_0/RNN/MultiRNNCell/Cell0/LSTMCell/W_0"):
            file[name][...] = np.arange(file[name].size).reshape(file[name].shape)
        file["RNN_0/RNN/MultiRNNCell/Cell0/LSTMCell/B"][...] = np.arange(16)
    bilm = read_hdf5(tmp_path / "o.json", tmp_path / "w.hdf5")
    encoder, layer = bilm.token_encoder, bilm.forward_layers[0]
    assert encoder.embedding.weight[:3].tolist() == [[0, 0], [0, 1], [2, 3]]  # row 0 is the absent word's
    # W_cnn (1, width, character, filter): filter 2, character 1, offset 1
    assert encoder.convolutions[1].weight[2, 1, 1] == 1 * 6 + 1 * 3 + 2
    assert encoder.highways[0].carry.weight[4, 0] == 4  # (in 0, out 4)
    # W_0 has rows [input 0-2, hidden 3-5] and columns i 0-3, j 4-7, f 8-11, o 12-15
    assert layer.weight_ih[:, 0].tolist() == [0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 6, 7, 12, 13, 14, 15]
    assert layer.weight_hh[0, 0] == 3 * 16
    assert layer.bias.tolist() == [0, 1, 2, 3, 9, 10, 11, 12, 4, 5, 6, 7, 12, 13, 14, 15]  # forget gates, plus 1


@pytest.mark.parametrize(
    ("section", "values", "message"),
    [
        (
            "lstm",
            {"projection_dim": 5},
            r"the shape of CNN_proj/W_proj is \(15, 6\), not \(15, 5\); .*tiny_options",
        ),
        ("lstm", {"dim": 11}, r"the shape of RNN_0/.*/Cell0/LSTMCell/W_0 is \(12, 48\), not \(12, 44\)"),
        ("lstm", {"n_layers": 3}, r"the dataset RNN_0/.*/Cell2/LSTMCell/W_0 of shape \(12, 48\) is missing"),
        ("lstm", {"n_layers": 1}, r"the dataset RNN_0/.*/Cell1/.* of shape .* does not belong to the options"),
        ("char_cnn", {"n_highway": 3}, r"the dataset CNN_high_2/W_transform of shape \(15, 15\) is missing"),
        ("char_cnn", {"n_highway": 1}, r"the dataset CNN_high_1/W_carry of shape .* does not belong to the options"),
        ("char_cnn", {"embedding": {"dim": 4}}, r"the shape of char_embed is \(261, 3\), not \(261, 4\)"),
        ("char_cnn", {"filters": [[1, 4], [2, 5], [3, 7]]}, r"the shape of CNN/W_cnn_2 is .*, not \(1, 3, 3, 7\)"),
    ],
)
def test_options_that_do_not_fit(pair: Pair, section: str, values: dict[str, object], message: str) -> None:
    change_options(pair, section, **values)
    with pytest.raises(InputError, match=message) as caught:
        read_hdf5(*pair)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("n_characters", [261, 262])
def test_the_number_of_characters_in_the_options_does_not_matter(pair: Pair, n_characters: int) -> None:
    change_options(pair, "char_cnn", n_characters=n_characters)
    assert read_hdf5(*pair).options == BilmOptions.from_json(pair[0].read_text())


def test_weights_trained_with_a_262nd_character(pair: Pair) -> None:
    expected = read_hdf5(*pair).token_encoder.embedding.weight
    with h5py.File(pair[1], "r+") as file:
        rows = file["char_embed"][...]
        del file["char_embed"]
        file["char_embed"] = np.concatenate([rows, rows[:1]])
    assert torch.equal(read_hdf5(*pair).token_encoder.embedding.weight, expected)


def test_a_projection_that_bilm_tf_left_out_is_the_identity(tmp_path: Path) -> None:
    options = BilmOptions(char_dim=2, filters=((1, 4),), n_highway=0, cell_dim=8, projection_dim=4, n_layers=1)
    write_hdf5(BiLM(options), tmp_path / "o.json", tmp_path / "w.hdf5")
    with h5py.File(tmp_path / "w.hdf5", "r+") as file:
        del file["CNN_proj"]
    projection = read_hdf5(tmp_path / "o.json", tmp_path / "w.hdf5").token_encoder.projection
    assert torch.equal(projection.weight, torch.eye(4)) and not projection.bias.any()


@pytest.mark.parametrize("keep", [0, 100, 5000])
def test_a_truncated_file(pair: Pair, keep: int) -> None:
    pair[1].write_bytes(pair[1].read_bytes()[:keep])
    with pytest.raises(InputError, match="not an HDF5 file, or damaged or truncated") as caught:
        read_hdf5(*pair)
    assert "\n" not in str(caught.value) and str(pair[1]) in str(caught.value)


def test_not_hdf5_at_all(pair: Pair) -> None:
    pair[1].write_text("<html>404</html>")
    with pytest.raises(InputError, match="not an HDF5 file, or damaged or truncated"):
        read_hdf5(*pair)


def test_numbers_that_are_none(pair: Pair) -> None:
    with h5py.File(pair[1], "r+") as file:
        file["CNN_proj/b_proj"][2] = np.nan
    with pytest.raises(InputError, match="CNN_proj/b_proj contains NaN"):
        read_hdf5(*pair)


@pytest.mark.parametrize("name", ["char_embed", "CNN", "CNN/b_cnn_0", "RNN_0/RNN/MultiRNNCell/Cell0/LSTMCell"])
@pytest.mark.parametrize("kind", ["soft", "external"])
def test_links_are_not_followed(pair: Pair, tmp_path: Path, kind: str, name: str) -> None:
    (tmp_path / "other.hdf5").write_bytes(pair[1].read_bytes())
    with h5py.File(pair[1], "r+") as file:
        file.move(name, "elsewhere")
        file[name] = h5py.SoftLink("/elsewhere") if kind == "soft" else h5py.ExternalLink("other.hdf5", name)
    with pytest.raises(InputError, match=f"{name} is a link, which is not followed"):
        read_hdf5(*pair)


def test_numbers_in_other_files_are_not_read(pair: Pair, tmp_path: Path) -> None:
    """External storage gives the bytes of any file as numbers, a virtual dataset those of other HDF5 files."""
    (tmp_path / "secret").write_bytes(b"root:x:0:0:" * 1000)
    whole = pair[1].read_bytes()
    with h5py.File(pair[1], "r+") as file:
        shape = file["char_embed"].shape
        del file["char_embed"]
        file.create_dataset("char_embed", shape, "f4", external=[(tmp_path / "secret", 0, h5py.h5f.UNLIMITED)])
    with pytest.raises(InputError, match="the numbers of char_embed are in another file, which is not read"):
        read_hdf5(*pair)
    (tmp_path / "other.hdf5").write_bytes(whole)
    with h5py.File(pair[1], "r+") as file:
        del file["char_embed"]
        layout = h5py.VirtualLayout(shape, "f4")
        layout[...] = h5py.VirtualSource(tmp_path / "other.hdf5", "char_embed", shape)
        file.create_virtual_dataset("char_embed", layout)
    with pytest.raises(InputError, match="the numbers of char_embed are in another file, which is not read"):
        read_hdf5(*pair)


def test_numbers_that_expand_beyond_measure(pair: Pair) -> None:
    """A dataset whose chunks were never written takes no place on the disk, whatever its shape."""
    change_options(pair, "lstm", dim=200_000)
    with h5py.File(pair[1], "r+") as file:
        for side in (0, 1):
            for layer in (0, 1):
                cell = file[f"RNN_{side}/RNN/MultiRNNCell/Cell{layer}/LSTMCell"]
                width = cell["W_0"].shape[0]
                for name, shape in {"W_0": (width, 800_000), "B": (800_000,), "W_P_0": (200_000, width // 2)}.items():
                    del cell[name]
                    cell.create_dataset(name, shape, "f4", chunks=True)
    with pytest.raises(InputError, match="the numbers need .* bytes, over 100 times the file size"):
        read_hdf5(*pair)


@pytest.mark.parametrize(
    ("section", "values"),
    [
        ("lstm", {"n_layers": 10**9}),
        ("lstm", {"dim": 10**12}),
        ("char_cnn", {"n_highway": 10**8}),
        ("char_cnn", {"filters": [[1, 2]] * 1000}),
        ("char_cnn", {"max_characters_per_token": 10**9}),
    ],
)
def test_options_beyond_limits(pair: Pair, section: str, values: dict[str, object]) -> None:
    change_options(pair, section, **values)
    with pytest.raises(InputError, match=r"more than \d+ filters|at most"):
        read_hdf5(*pair)


@pytest.mark.parametrize("text", ["9" * 5000, "[" * 100_000, '{"a":' * 50_000])
def test_options_json_beyond_limits(pair: Pair, text: str) -> None:
    pair[0].write_text(text)
    with pytest.raises(InputError, match="the JSON exceeds limits"):
        read_hdf5(*pair)


def test_missing_files(pair: Pair, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no\.hdf5: no such file; expected the HDF5 weights of a biLM"):
        read_hdf5(pair[0], tmp_path / "no.hdf5")
    with pytest.raises(InputError, match=r"no\.json: no such file; expected the options.json of a biLM"):
        read_hdf5(tmp_path / "no.json", pair[1])


def test_a_failed_write_leaves_the_old_files(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    before = pair[1].read_bytes(), pair[0].read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    bilm = read_hdf5(*pair)
    monkeypatch.setattr(h5py.Group, "create_dataset", full)
    with pytest.raises(OSError, match="No space left"):
        write_hdf5(bilm, *pair)
    assert (pair[1].read_bytes(), pair[0].read_bytes()) == before
    assert sorted(path.name for path in pair[0].parent.iterdir()) == ["tiny_options.json", "tiny_weights.hdf5"]
