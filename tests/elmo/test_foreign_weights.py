"""Files of other people's biLMs: zips, checkpoints, word-level biLMs, byte order marks, odd names of folders."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from elmo_tasks.core.errors import InputError
from elmo_tasks.elmo import Elmo, batch_to_ids, load_bilm
from elmo_tasks.elmo.bilm import BiLM
from elmo_tasks.elmo.options import BilmOptions
from elmo_tasks.elmo.weights import published, resolve, zipped
from elmo_tasks.elmo.weights.download import RemoteFile
from elmo_tasks.elmo.weights.safetensors import write_safetensors

Pair = tuple[Path, Path]
CHECKPOINT = (
    r"a TensorFlow checkpoint, .* `python bin/dump_weights\.py --save_dir FOLDER --outfile FOLDER/weights\.hdf5`"
)


def same(a: BiLM, b: BiLM) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.parameters(), b.parameters(), strict=True))


def zip_of(path: Path, files: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


@pytest.fixture
def files(pair: Pair) -> dict[str, bytes]:
    """The files of a zip of the NLPL repository."""
    return {
        "model.hdf5": pair[1].read_bytes(),
        "options.json": pair[0].read_bytes(),
        "meta.json": b'{"id": 199}',
        "vocab.txt": b"<S>\n</S>\n<UNK>\n",
        "README": b"\n",
    }


# What comes of each case that lies beside the real data: the numbers of characters per word, or the message.
SHARED: dict[str, int | str] = {
    "api_checkpoint_folder": 50,
    "api_maxchars10_n261": 10,
    "api_nlpl_folder": 50,
    "api_nlpl_zip": 50,
    "api_nlpl_zip/199.zip": 50,
    "api_only_ckpt": CHECKPOINT,
    "api_only_ckpt/checkpoint": CHECKPOINT,
    "api_only_ckpt/model.ckpt-10": CHECKPOINT,
    "api_only_ckpt/model.ckpt-10.index": CHECKPOINT,
    "api_word_level": "there is no char_cnn, so these are the options of a word-level biLM, .* train one",
}


@pytest.mark.parametrize("name", SHARED)
def test_the_shared_cases(name: str, shared_data: Path) -> None:
    place, right = shared_data.parent / "cases" / name, SHARED[name]
    if not (shared_data.parent / "cases").is_dir():
        pytest.skip("no cases beside the data sets")
    if isinstance(right, str):
        with pytest.raises(InputError, match=right) as error:
            load_bilm(str(place))
        assert "\n" not in str(error.value)
        return
    bilm = load_bilm(str(place))
    layers = bilm(bilm.batch_to_ids([["Rain", "fell"]])).layers
    assert (bilm.options.max_characters, layers.shape) == (right, (1, 3, 2, bilm.width))
    if name.startswith("api_nlpl_zip"):
        assert same(bilm, load_bilm(str(shared_data.parent / "cases" / "api_nlpl_zip")))
    if right != 50:
        with pytest.raises(InputError, match=rf"make them with batch_to_ids\(sentences, max_characters={right}\)"):
            Elmo(None, None, 1, module=bilm)(batch_to_ids([["Rain"]]))


@pytest.mark.parametrize("folder", ["", "199/"])
def test_a_zip_is_read_where_it_lies(folder: str, files: dict[str, bytes], pair: Pair, tmp_path: Path) -> None:
    path = zip_of(tmp_path / "199.zip", {folder + name: content for name, content in files.items()})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(f"__MACOSX/{folder}._model.hdf5", b"x")
        archive.writestr(f"{folder}.DS_Store", b"x")
    before = sorted(tmp_path.rglob("*"))
    assert same(load_bilm(str(path)), load_bilm(f"{pair[0]},{pair[1]}"))
    assert sorted(tmp_path.rglob("*")) == before


def test_names_in_a_zip_lead_nowhere_else(files: dict[str, bytes], tmp_path: Path) -> None:
    """A member `../model.hdf5` is not the model, and is written nowhere."""
    del files["model.hdf5"]
    (tmp_path / "in").mkdir()
    path = zip_of(tmp_path / "in" / "x.zip", files)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../model.hdf5", b"x")
    with pytest.raises(InputError, match=r"has 0 \.hdf5"):
        load_bilm(str(path))
    assert not (tmp_path / "model.hdf5").exists()


def test_zips_that_are_not_read(files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = zip_of(tmp_path / "bomb.zip", files | {"model.hdf5": bytes(20_000_000)})
    with pytest.raises(
        InputError, match=r"bomb\.zip: 'model\.hdf5' expands from .* to 20,000,000 bytes.*; it is not read"
    ):
        load_bilm(str(bomb))
    whole = zip_of(tmp_path / "whole.zip", files)
    monkeypatch.setattr(zipped, "MOST_BYTES", 1000)
    with pytest.raises(InputError, match=r"whole\.zip: expands to more than"):
        load_bilm(str(whole))
    monkeypatch.undo()
    (tmp_path / "text.zip").write_text("no zip")
    with pytest.raises(InputError, match=r"text\.zip: not a zip file, or damaged"):
        load_bilm(str(tmp_path / "text.zip"))
    with pytest.raises(InputError, match=r"none\.zip: no such file"):
        load_bilm(str(tmp_path / "none.zip"))
    encrypted = bytearray(whole.read_bytes())
    for start in (0, encrypted.index(b"PK\x01\x02")):
        encrypted[start + (6 if start == 0 else 8)] |= 1
    (tmp_path / "encrypted.zip").write_bytes(encrypted)
    with pytest.raises(InputError, match=r"encrypted\.zip: 'model\.hdf5' is encrypted; unpack"):
        load_bilm(str(tmp_path / "encrypted.zip"))
    with pytest.raises(InputError, match="safetensors cannot be read from a zip; unpack it"):
        load_bilm(str(zip_of(tmp_path / "own.zip", {"bilm.safetensors": b"x"})))


def test_damaged_zips(files: dict[str, bytes], pair: Pair, tmp_path: Path) -> None:
    """A bit that flips, at many places: one line, or what it changed is not the biLM's."""
    right = load_bilm(f"{pair[0]},{pair[1]}")
    whole = zip_of(tmp_path / "whole.zip", files).read_bytes()
    for place in range(0, len(whole), len(whole) // 80):
        damaged = bytearray(whole)
        damaged[place] ^= 0x10
        (tmp_path / "damaged.zip").write_bytes(damaged)
        found = _loaded_or_message(tmp_path / "damaged.zip")
        assert same(found, right) if isinstance(found, BiLM) else "\n" not in found


def _loaded_or_message(path: Path) -> BiLM | str:
    try:
        return load_bilm(str(path))
    except InputError as error:
        return str(error)


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("model.ckpt-935588.data-00000-of-00001", CHECKPOINT),
        ("encoder.pkl", "is one of several files of ELMoForManyLangs; give the folder"),
        ("ar.model.tar.xz", "archives other than zip cannot be read; unpack it and give its folder"),
        ("model.tgz", "unpack it"),
    ],
)
def test_files_that_are_no_biLM(file: str, message: str, tmp_path: Path) -> None:
    (tmp_path / file).write_bytes(b"x")
    with pytest.raises(InputError, match=message):
        load_bilm(str(tmp_path / file))


def test_a_checkpoint_beside_the_weights_that_were_dumped(pair: Pair) -> None:
    for file in ("checkpoint", "model.ckpt-10.index", "model.ckpt-10.data-00000-of-00001"):
        (pair[0].parent / file).write_bytes(b"x")
    assert load_bilm(str(pair[0].parent)).n_layers == 3
    pair[1].unlink()
    with pytest.raises(InputError, match=CHECKPOINT):
        load_bilm(str(pair[0].parent))


@pytest.mark.parametrize("part", [None, "char_cnn", "lstm"])
def test_keys_of_one_value(part: str | None, tiny_options: BilmOptions) -> None:
    """Accepted where they say what a biLM is anyway; otherwise it would be another model."""

    def changed(**keys: Any) -> dict[str, Any]:
        options = tiny_options.to_dict()
        (options if part is None else options[part]).update(keys)
        return options

    harmless = {"bidirectional": True, "reverse": False, "projection_after_highway": True}
    assert BilmOptions.from_dict(changed(**harmless)).filters == tiny_options.filters
    for key, value in harmless.items():
        with pytest.raises(InputError, match=rf"o\.json: {key} is {not value}, so .*; only {json.dumps(value)} can be"):
            BilmOptions.from_dict(changed(**{key: not value}), "o.json")


def test_a_byte_order_mark_in_the_options(pair: Pair) -> None:
    pair[0].write_bytes(b"\xef\xbb\xbf" + pair[0].read_bytes())
    assert load_bilm(f"{pair[0]},{pair[1]}").n_layers == 3


@pytest.mark.parametrize("odd", ["a,b", "a:b", "a=b", "a.json,b", "a b", "x.zip"])
def test_folders_with_odd_names(odd: str, pair: Pair, tmp_path: Path) -> None:
    folder = tmp_path / odd
    shutil.copytree(pair[0].parent, folder)
    assert load_bilm(str(folder)).n_layers == 3
    assert load_bilm(f"{folder / pair[0].name}, {folder / pair[1].name}").n_layers == 3
    write_safetensors(load_bilm(str(folder)), folder / "bilm.safetensors")
    assert load_bilm(str(folder / "bilm.safetensors")).n_layers == 3


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", "~nobody-of-this-name/x"])
def test_names_that_can_be_no_path(name: str) -> None:
    with pytest.raises(InputError, match="no biLM named"):
        load_bilm(name)


def test_names_of_contributed_biLMs(
    pair: Pair, files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def fetch(remote: RemoteFile, target: Path) -> Path:
        asked.append(remote.url)
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.suffix == ".zip":
            return zip_of(target, files)
        target.write_bytes((pair[0] if target.suffix == ".json" else pair[1]).read_bytes())
        return target

    monkeypatch.setattr(resolve, "_weights_cache", lambda: tmp_path / "cache")
    monkeypatch.setattr(resolve, "fetch", fetch)
    root = "https://allennlp.s3.amazonaws.com/models/elmo"
    official = "elmo_2x4096_512_2048cnn_2xhighway"
    for name, addresses in {
        "5.5B": [
            f"{root}/2x4096_512_2048cnn_2xhighway_5.5B/{official}_5.5B_{end}"
            for end in ("options.json", "weights.hdf5")
        ],
        "pubmed": [
            f"{root}/contributed/pubmed/{official}_{end}" for end in ("options.json", "weights_PubMed_only.hdf5")
        ],
        "portuguese": [f"{root}/contributed/pt/elmo_pt_{end}" for end in ("options.json", "weights.hdf5")],
        "basque": [f"https://schweter.eu/cloud/eu-elmo/{end}" for end in ("options.json", "weights.hdf5")],
        "manylangs-ar": ["http://vectors.nlpl.eu/repository/11/136.zip"],
        "manylangs-en": ["http://vectors.nlpl.eu/repository/11/144.zip"],
        "manylangs-nb": ["http://vectors.nlpl.eu/repository/11/165.zip"],
        "manylangs-zh": ["http://vectors.nlpl.eu/repository/11/179.zip"],
        "http://vectors.nlpl.eu/repository/20/199.zip": ["http://vectors.nlpl.eu/repository/20/199.zip"],
    }.items():
        asked.clear()
        assert load_bilm(name).n_layers == 3
        assert asked == addresses
    assert len(published.ZIPS) == 44


def test_an_address_of_a_contributed_file_is_not_that_of_an_official_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PubMed's options file has the name of the original's."""
    monkeypatch.setattr(resolve, "_weights_cache", lambda: tmp_path)
    monkeypatch.setattr(resolve, "fetch", lambda remote, target: target)
    file = "elmo_2x4096_512_2048cnn_2xhighway_options.json"
    old = "https://s3-us-west-2.amazonaws.com/allennlp/models/elmo"
    assert resolve.local_file(f"{old}/contributed/pubmed/{file}") == tmp_path / "pubmed" / file
    assert resolve.local_file(f"{old}/2x4096_512_2048cnn_2xhighway/{file}") == tmp_path / "original" / file


def test_pre_training_does_not_start_from_a_dictionary(
    random_bilm: Callable[..., BiLM], tiny_options: BilmOptions, tmp_path: Path
) -> None:
    from dataclasses import replace

    from elmo_tasks.elmo.options import SPECIAL_CHARACTERS, Dictionary
    from elmo_tasks.pretraining.initial_weights import check_options

    bilm = random_bilm(replace(tiny_options, dictionary=Dictionary(SPECIAL_CHARACTERS)))
    write_safetensors(bilm, tmp_path / "bilm.safetensors")
    with pytest.raises(InputError, match="--init .*: this biLM is from ELMoForManyLangs and cannot be trained further"):
        check_options(tiny_options, str(tmp_path / "bilm.safetensors"))
