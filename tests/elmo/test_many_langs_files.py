"""The files of ELMoForManyLangs: as its own code reads them, and damaged ones."""

from __future__ import annotations

import json
import pickle
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from elmo_tasks.core.errors import InputError
from elmo_tasks.elmo import load_bilm
from many_langs import CELLS, CHARACTERS, FILTERS, WIDTH, WORD_DIM, random_tensors, write_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "de.model")


def test_dictionaries_as_its_code_reads_them(folder: Path) -> None:
    """A byte order mark, other line ends and any order of lines are harmless; a line without entry is U+3000."""
    right = load_bilm(str(folder)).options
    lines = [f"{entry}\t{number}" for number, entry in enumerate(CHARACTERS)]
    text = "\ufeff" + "\r\n".join(reversed(lines)).replace("\u3000\t", "")
    (folder / "char.dic").write_bytes(text.encode())
    assert load_bilm(str(folder)).options == right


def test_the_published_configuration_may_be_missing(folder: Path) -> None:
    """Then the sizes are those of the weights, as in the zip files of the NLPL repository."""
    (folder / "config.json").write_text('{"config_path": "C:\\\\x\\\\cnn_50_100_512_4096_sample.json"}')
    options = load_bilm(str(folder)).options
    assert (options.max_characters, options.cell_clip, options.proj_clip, options.activation) == (50, 3.0, 3.0, "relu")
    assert (options.filters, options.cell_dim, options.projection_dim, options.n_layers) == (FILTERS, CELLS, WIDTH, 2)


def test_weights_that_a_gpu_wrote(folder: Path) -> None:
    """The published ones were: a module's state, with more than its tensors, on `cuda:0`, in PyTorch's old format."""
    right = load_bilm(str(folder)).state_dict()
    for file, tensors in zip(("token_embedder.pkl", "encoder.pkl"), random_tensors(WORD_DIM), strict=True):
        state = torch.nn.Linear(1, 1).state_dict()
        state.clear()
        assert hasattr(state, "_metadata")
        state.update(tensors)
        torch.save(state, folder / file, _use_new_zipfile_serialization=False)
        content = (folder / file).read_bytes()
        for cpu, cuda in (
            (b"ctorch\nFloatStorage\n", b"ctorch.cuda\nFloatStorage\n"),
            (b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0"),
        ):
            assert cpu in content
            content = content.replace(cpu, cuda)
        (folder / file).write_bytes(content)
    assert all(torch.equal(tensor, right[name]) for name, tensor in load_bilm(str(folder)).state_dict().items())


class _Bad:
    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return print, ("executed",)


def _rewrite(file: str, change: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    def of(folder: Path) -> None:
        if file.endswith(".pkl"):
            tensors = torch.load(folder / file, weights_only=True)
            change(tensors)
            torch.save(tensors, folder / file)
        else:
            values = json.loads((folder / file).read_text())
            change(values)
            (folder / file).write_text(json.dumps(values))

    return of


def _write(file: str, content: bytes) -> Callable[[Path], None]:
    def of(folder: Path) -> None:
        (folder / file).write_bytes(content)

    return of


def _deflate(folder: Path) -> None:
    torch.save(random_tensors(WORD_DIM)[1], folder / "stored.pkl")
    with zipfile.ZipFile(folder / "stored.pkl") as old, zipfile.ZipFile(folder / "encoder.pkl", "w", 8) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))


BROKEN: list[tuple[Callable[[Path], None], str]] = [
    (_write("encoder.pkl", b""), r"encoder\.pkl: not the weights of .* damaged, or more than tensors; nothing"),
    (_write("encoder.pkl", pickle.dumps(_Bad())), r"encoder\.pkl: .* nothing in the file was executed"),
    (_write("token_embedder.pkl", pickle.dumps({"a": 1})), r"token_embedder\.pkl: not the weights"),
    (_deflate, r"encoder\.pkl: the content is compressed"),
    (lambda folder: (folder / "encoder.pkl").unlink(), r"encoder\.pkl: no such file; expected the weights"),
    (lambda folder: (folder / "char.dic").unlink(), r"char\.dic: no such file"),
    (lambda folder: (folder / "config.json").unlink(), r"config\.json: no such file"),
    (lambda folder: (folder / "own.json").unlink(), r"config\.json: the configuration 'own\.json' .* put it there"),
    (_write("config.json", b'{"config_path": ".."}'), r"the configuration '\.\.'"),
    (
        _write("config.json", b'{"config_path": "/etc/passwd"}'),
        r"the configuration 'passwd' that it refers to is not in",
    ),
    (_write("config.json", b"[" * 100_000), r"config\.json: not valid JSON"),
    (_write("own.json", b"[]"), r"own\.json: must be a JSON object, not list"),
    (_write("own.json", b"{}"), r"own\.json: there is no token_embedder"),
    (_write("char.dic", b"a\xff\t0\n"), r"char\.dic: cannot be read as UTF-8"),
    (_write("char.dic", b"a\t0\nb\tc\td\n"), r"char\.dic:2: not an entry, a tab and a new number"),
    (_write("char.dic", b"a\t0\nb\t0\n"), r"char\.dic:2: .* new number below 11"),
    (_write("char.dic", b"a\t0\nb\t11\n"), r"char\.dic:2: .* below 11"),
    (_write("char.dic", b"a\t0\n\n"), r"char\.dic:2: "),
    (_write("word.dic", b"a\t0\nb\t1\n"), r"word\.dic: there are 2 entries for 6 vectors"),
    (
        _write("char.dic", "".join(f"{c}\t{n}\n" for n, c in enumerate([*CHARACTERS[:-1], "c"])).encode()),
        "<bow> is missing among the characters",
    ),
    (
        _rewrite("own.json", lambda values: values["encoder"].update(dim=7)),
        r"own\.json: encoder\.dim is 7, but the weights have 10",
    ),
    (_rewrite("own.json", lambda values: values["token_embedder"].update(activation="gelu")), "'relu' or 'tanh'"),
    (_rewrite("own.json", lambda values: values["token_embedder"].pop("max_characters_per_token")), r"own\.json: "),
    (
        _rewrite("encoder.pkl", lambda tensors: tensors.pop("backward_layer_1.state_linearity.bias")),
        r"encoder\.pkl: the shape of backward_layer_1\.state_linearity\.bias is none, not \(40,\)",
    ),
    (
        _rewrite("encoder.pkl", lambda tensors: tensors.update(more=torch.ones(1))),
        r"encoder\.pkl: the shape of more is \(1,\), not none",
    ),
    (
        _rewrite("token_embedder.pkl", lambda tensors: tensors["projection.bias"].fill_(float("nan"))),
        r"token_embedder\.pkl: projection\.bias contains NaN",
    ),
    (
        _rewrite(
            "token_embedder.pkl", lambda tensors: tensors.update({"projection.bias": torch.ones(1).expand(10**9)})
        ),
        r"token_embedder\.pkl: not the weights",
    ),
    (
        _rewrite("token_embedder.pkl", lambda tensors: tensors.pop("char_emb_layer.embedding.weight")),
        "there is no character CNN; only ELMoForManyLangs biLMs",
    ),
    (
        _rewrite("encoder.pkl", lambda tensors: tensors.pop("forward_layer_0.state_projection.weight")),
        "there are no layers of ELMoForManyLangs' encoder `elmo`",
    ),
]


@pytest.mark.parametrize(("damage", "message"), BROKEN)
def test_damaged_folders(
    damage: Callable[[Path], None], message: str, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    damage(folder)
    with pytest.raises(InputError, match=message) as error:
        load_bilm(str(folder))
    assert "\n" not in str(error.value)
    assert capfd.readouterr().out == ""


def test_cut_files(folder: Path, tmp_path: Path) -> None:
    """At any place, in PyTorch's old format and in its zip: an InputError, or what was cut off was not needed."""
    right = load_bilm(str(folder)).state_dict()
    for legacy in (True, False):
        whole = write_folder(tmp_path / f"whole-{legacy}", legacy=legacy)
        for file in ("encoder.pkl", "char.dic"):
            content = (whole / file).read_bytes()
            for length in range(0, len(content), max(1, len(content) // 40)):
                shutil.rmtree(tmp_path / "cut", ignore_errors=True)
                shutil.copytree(whole, tmp_path / "cut")
                (tmp_path / "cut" / file).write_bytes(content[:length])
                found = _state_or_message(tmp_path / "cut")
                if isinstance(found, str):
                    assert "\n" not in found
                else:
                    assert all(torch.equal(tensor, right[name]) for name, tensor in found.items())


def _state_or_message(folder: Path) -> dict[str, torch.Tensor] | str:
    try:
        return load_bilm(str(folder)).state_dict()
    except InputError as error:
        return str(error)
