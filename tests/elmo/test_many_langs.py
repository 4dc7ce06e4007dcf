"""The biLMs of ELMoForManyLangs, against the same arithmetic written with numpy, a word and a token at a time."""

from __future__ import annotations

import json
import pickle
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from elmo_tasks.core.errors import InputError
from elmo_tasks.elmo import Elmo, ElmoEmbedder, Engine, batch_to_ids, load_bilm
from elmo_tasks.elmo.weights.hdf5 import write_hdf5
from elmo_tasks.elmo.weights.safetensors import read_safetensors, write_safetensors
from elmo_tasks.embedders.elmo import BilmEmbedder

Array = NDArray[np.float64]

FILTERS, CHAR_DIM, WORD_DIM, MOST, CELLS, WIDTH = ((1, 4), (2, 3), (3, 5)), 5, 3, 8, 10, 6
CHARACTERS = ["<oov>", "<bos>", "a", "b", "<eow>", "\u3000", "ü", "<pad>", "今", "<eos>", "<bow>"]
WORDS = ["<oov>", "<bos>", "ab", "<pad>", "abbabb", "<eos>"]
SENTENCES = [
    ["ab", "ba", "Ab"],
    ["今ü", "?", ""],
    ["abbabbabba"],  # cut to six characters, and then a known word
    ["a\u3000b", "<bos>", "<S>", "<eos>", "ab"],
    [],
]


def random_tensors(word_dim: int) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """The tensors of the token embedder and of the encoder, as its modules name them."""
    generator = torch.Generator().manual_seed(3)

    def some(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator) * 0.4

    total = sum(count for _, count in FILTERS)
    tokens = {"char_emb_layer.embedding.weight": some(len(CHARACTERS), CHAR_DIM)}
    if word_dim:
        tokens["word_emb_layer.embedding.weight"] = some(len(WORDS), word_dim)
    for index, (width, count) in enumerate(FILTERS):
        tokens[f"convolutions.{index}.weight"] = some(count, CHAR_DIM, width)
        tokens[f"convolutions.{index}.bias"] = some(count)
    for index in range(2):
        tokens[f"highways._layers.{index}.weight"] = some(2 * total, total)
        tokens[f"highways._layers.{index}.bias"] = some(2 * total)
    tokens["projection.weight"], tokens["projection.bias"] = some(WIDTH, word_dim + total), some(WIDTH)
    layers = {}
    for name in ("forward_layer_0", "backward_layer_0", "forward_layer_1", "backward_layer_1"):
        layers[f"{name}.input_linearity.weight"] = some(4 * CELLS, WIDTH)
        layers[f"{name}.state_linearity.weight"] = some(4 * CELLS, WIDTH)
        layers[f"{name}.state_linearity.bias"] = some(4 * CELLS)
        layers[f"{name}.state_projection.weight"] = 2 * some(WIDTH, CELLS)
    return tokens, layers


def configuration(word_dim: int = WORD_DIM, activation: str = "relu") -> dict[str, Any]:
    return {
        "encoder": {
            "name": "elmo",
            "projection_dim": WIDTH,
            "cell_clip": 0.5,
            "proj_clip": 0.4,
            "dim": CELLS,
            "n_layers": 2,
        },
        "token_embedder": {
            "name": "cnn",
            "activation": activation,
            "filters": [list(pair) for pair in FILTERS],
            "n_highway": 2,
            "word_dim": word_dim,
            "char_dim": CHAR_DIM,
            "max_characters_per_token": MOST,
        },
        "classifier": {"name": "sampled_softmax", "n_samples": 8192},
        "dropout": 0.1,
    }


def write_folder(folder: Path, word_dim: int = WORD_DIM, activation: str = "relu", legacy: bool = True) -> Path:
    folder.mkdir(parents=True)
    for name, tensors in zip(("token_embedder.pkl", "encoder.pkl"), random_tensors(word_dim), strict=True):
        torch.save(tensors, folder / name, _use_new_zipfile_serialization=not legacy)
    for file, entries in (("char.dic", CHARACTERS), ("word.dic", WORDS)):
        lines = (f"{entry}\t{number}\n" for number, entry in enumerate(entries))
        (folder / file).write_text("".join(lines), encoding="utf-8")
    (folder / "config.json").write_text('{"config_path": "/home/someone/configs/own.json", "lr": 0.001}')
    (folder / "own.json").write_text(json.dumps(configuration(word_dim, activation)))
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "de.model")


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def word_vector(word: str, word_dim: int, activation: str) -> Array:
    """What the token embedder makes of one word."""
    tokens = {name: tensor.double().numpy() for name, tensor in random_tensors(word_dim)[0].items()}
    if word in ("<bos>", "<eos>"):
        spelled = [word]
    else:
        word = word[: MOST - 2]
        spelled = [character if character in CHARACTERS else "<oov>" for character in word]
    spelled = ["<eow>", *spelled, "<bow>"]
    spelled += ["<pad>"] * (MOST - len(spelled))
    characters = tokens["char_emb_layer.embedding.weight"][[CHARACTERS.index(character) for character in spelled]]
    responses = []
    for index, (width, count) in enumerate(FILTERS):
        weight, bias = tokens[f"convolutions.{index}.weight"], tokens[f"convolutions.{index}.bias"]
        windows = [characters[start : start + width].T for start in range(MOST - width + 1)]
        responses += [max((weight[row] * window).sum() for window in windows) + bias[row] for row in range(count)]
    x = np.maximum(responses, 0) if activation == "relu" else np.tanh(responses)
    for index in range(2):
        changed = tokens[f"highways._layers.{index}.weight"] @ x + tokens[f"highways._layers.{index}.bias"]
        value, gate = np.maximum(changed[: len(x)], 0), sigmoid(changed[len(x) :])
        x = gate * x + (1 - gate) * value
    if word_dim:
        x = np.concatenate(
            [tokens["word_emb_layer.embedding.weight"][WORDS.index(word if word in WORDS else "<oov>")], x]
        )
    projected: Array = tokens["projection.weight"] @ x + tokens["projection.bias"]
    return projected


def run_layer(name: str, inputs: list[Array], word_dim: int) -> list[Array]:
    tensors = random_tensors(word_dim)[1]
    weight_i, weight_s, bias, projection = (
        tensors[f"{name}.{part}"].double().numpy()
        for part in (
            "input_linearity.weight",
            "state_linearity.weight",
            "state_linearity.bias",
            "state_projection.weight",
        )
    )
    hidden, cell, outputs = np.zeros(WIDTH), np.zeros(CELLS), []
    for x in inputs:
        i, f, g, o = np.split(weight_i @ x + weight_s @ hidden + bias, 4)
        cell = np.clip(sigmoid(i) * np.tanh(g) + sigmoid(f) * cell, -0.5, 0.5)
        hidden = np.clip(projection @ (sigmoid(o) * np.tanh(cell)), -0.4, 0.4)
        outputs.append(hidden)
    return outputs


def expected(sentence: list[str], word_dim: int = WORD_DIM, activation: str = "relu") -> Array:
    """(3, T, 12): the vectors of the words twice, and both LSTM layers, without the boundaries."""
    x = [word_vector(word, word_dim, activation) for word in ["<bos>", *sentence, "<eos>"]]
    ahead, behind, layers = x, x, [np.concatenate([x, x], axis=1)]
    for index in range(2):
        ahead_out = run_layer(f"forward_layer_{index}", ahead, word_dim)
        behind_out = run_layer(f"backward_layer_{index}", behind[::-1], word_dim)[::-1]
        ahead = [a + b for a, b in zip(ahead_out, ahead, strict=True)] if index else ahead_out
        behind = [a + b for a, b in zip(behind_out, behind, strict=True)] if index else behind_out
        layers.append(np.concatenate([ahead, behind], axis=1))
    return np.stack(layers)[:, 1:-1]


@pytest.mark.parametrize("legacy", [True, False], ids=["PyTorch 0.4", "zip"])
@pytest.mark.parametrize(("word_dim", "activation"), [(WORD_DIM, "relu"), (0, "tanh")])
def test_vectors_equal_its_arithmetic(word_dim: int, activation: str, legacy: bool, tmp_path: Path) -> None:
    name = str(write_folder(tmp_path / "model", word_dim, activation, legacy))
    embedder, engine = ElmoEmbedder(name=name), Engine(load_bilm(name), precision="exact")
    right = [expected(sentence, word_dim, activation) for sentence in SENTENCES]
    for found in (
        embedder.embed_batch(SENTENCES),
        [embedder.embed_sentence(sentence) for sentence in SENTENCES],
        [vectors.numpy() for vectors in engine.embed(SENTENCES)],
        [engine.embed([sentence])[0].numpy() for sentence in reversed(SENTENCES)][::-1],
    ):
        for vectors, wanted in zip(found, right, strict=True):
            assert vectors.shape == wanted.shape
            assert np.abs(vectors - wanted).max(initial=0) < 1e-5


def test_the_shared_case(shared_data: Path) -> None:
    """What the code of ELMoForManyLangs computed for a random checkpoint, all layers and their average."""
    case = shared_data.parent / "cases" / "elmo_for_many_langs"
    if not case.is_dir():
        pytest.skip(f"no folder {case}")
    sentences = json.loads((case / "sentences.json").read_text(encoding="utf-8"))
    with np.load(case / "expected.npz") as arrays:
        for name in (str(case), str(case / "144.zip")):
            engine = Engine(load_bilm(name), precision="exact")
            for number, vectors in enumerate(ElmoEmbedder(name=name).embed_batch(sentences)):
                assert np.abs(vectors - arrays[f"layers_{number}"]).max() < 1e-5
                assert np.abs(vectors.mean(axis=0) - arrays[f"average_{number}"]).max() < 1e-5
                fast = engine.embed(sentences)[number].numpy()
                assert np.abs(fast - arrays[f"layers_{number}"]).max() < 1e-5


def test_fast_keeps_the_direction_of_the_vectors(folder: Path) -> None:
    bilm = load_bilm(str(folder))
    engines = [Engine(bilm, precision=precision).embed(SENTENCES[:4]) for precision in ("fast", "exact")]
    for fast, exact in zip(*engines, strict=True):
        assert float(torch.cosine_similarity(fast, exact, dim=2).min()) > 0.999


def test_the_drop_in_takes_the_ids_of_the_biLM_and_no_others(folder: Path) -> None:
    bilm = load_bilm(str(folder))
    elmo = Elmo(None, None, 1, dropout=0.0, module=bilm, scalar_mix_parameters=[-9e9, -9e9, 0.0])
    ids = bilm.batch_to_ids(SENTENCES)
    assert ids.shape == (5, 5, MOST + 1)
    mixed = elmo(ids)["elmo_representations"][0]
    for row, sentence in enumerate(SENTENCES):
        assert np.abs(mixed[row, : len(sentence)].numpy() - expected(sentence)[2]).max(initial=0) < 1e-5
    for others in (batch_to_ids(SENTENCES, MOST), batch_to_ids(SENTENCES, MOST + 1)):
        with pytest.raises(InputError, match=r"make them with the biLM's own batch_to_ids\(sentences\)$"):
            elmo(others)
    cached = Elmo(None, None, 1, dropout=0.0, module=bilm, vocab_to_cache=["<pad>", "ab", "ba"])
    looked_up = cached(ids[:1, :2], torch.tensor([[1, 2]]))["elmo_representations"][0]
    assert torch.allclose(looked_up, cached(ids[:1, :2])["elmo_representations"][0], atol=1e-6)


def test_safetensors_keep_the_dictionaries(folder: Path, tmp_path: Path) -> None:
    """So estimators and spaCy, which store their biLM so, and repositories on the hub can hold it."""
    bilm = load_bilm(str(folder))
    write_safetensors(bilm, tmp_path / "bilm.safetensors")
    again = read_safetensors([tmp_path / "bilm.safetensors"])
    assert again.options == bilm.options
    assert torch.equal(again(again.batch_to_ids(SENTENCES)).layers, bilm(bilm.batch_to_ids(SENTENCES)).layers)
    with pytest.raises(InputError, match="cannot be written as bilm-tf's HDF5; write safetensors"):
        write_hdf5(bilm, tmp_path / "options.json", tmp_path / "weights.hdf5")
    assert not (tmp_path / "options.json").exists()
    (tmp_path / "options.json").write_text(bilm.options.to_json())
    with pytest.raises(InputError, match=r"options\.json: the options of a biLM of ELMoForManyLangs, which has no"):
        load_bilm(f"{tmp_path / 'options.json'},{tmp_path / 'weights.hdf5'}")


def test_the_fingerprint_depends_on_the_dictionary(folder: Path) -> None:
    before = BilmEmbedder(str(folder)).fingerprint
    text = (folder / "char.dic").read_text(encoding="utf-8")
    (folder / "char.dic").write_text(text.replace("a\t", "z\t"), encoding="utf-8")
    assert BilmEmbedder(str(folder)).fingerprint != before


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
    (_write("encoder.pkl", b""), r"encoder\.pkl: expected weights of .* damaged or holds more than tensors; nothing"),
    (_write("encoder.pkl", pickle.dumps(_Bad())), r"encoder\.pkl: .* nothing in it was executed"),
    (_write("token_embedder.pkl", pickle.dumps({"a": 1})), r"token_embedder\.pkl: expected weights"),
    (_deflate, r"encoder\.pkl: compressed inside"),
    (lambda folder: (folder / "encoder.pkl").unlink(), r"encoder\.pkl: expected the weights .* found no such file"),
    (lambda folder: (folder / "char.dic").unlink(), r"char\.dic: no such file"),
    (lambda folder: (folder / "config.json").unlink(), r"config\.json: no such file"),
    (lambda folder: (folder / "own.json").unlink(), r"config\.json: the configuration 'own\.json' .* put it there"),
    (_write("config.json", b'{"config_path": ".."}'), r"the configuration '\.\.'"),
    (_write("config.json", b'{"config_path": "/etc/passwd"}'), r"the configuration 'passwd' that it names is not in"),
    (_write("config.json", b"[" * 100_000), r"config\.json: expected JSON"),
    (_write("own.json", b"[]"), r"own\.json: expected a JSON object, got list"),
    (_write("own.json", b"{}"), r"own\.json: no token_embedder"),
    (_write("char.dic", b"a\xff\t0\n"), r"char\.dic: cannot be read as UTF-8"),
    (_write("char.dic", b"a\t0\nb\tc\td\n"), r"char\.dic:2: expected an entry, a tab and its number"),
    (_write("char.dic", b"a\t0\nb\t0\n"), r"char\.dic:2: expected .* new and below 11"),
    (_write("char.dic", b"a\t0\nb\t11\n"), r"char\.dic:2: .* below 11"),
    (_write("char.dic", b"a\t0\n\n"), r"char\.dic:2: "),
    (_write("word.dic", b"a\t0\nb\t1\n"), r"word\.dic: 2 entries for 6 vectors"),
    (
        _write("char.dic", "".join(f"{c}\t{n}\n" for n, c in enumerate([*CHARACTERS[:-1], "c"])).encode()),
        "no <bow> among the characters",
    ),
    (
        _rewrite("own.json", lambda values: values["encoder"].update(dim=7)),
        r"own\.json: encoder\.dim is 7, but the weights have 10",
    ),
    (_rewrite("own.json", lambda values: values["token_embedder"].update(activation="gelu")), "'relu' or 'tanh'"),
    (_rewrite("own.json", lambda values: values["token_embedder"].pop("max_characters_per_token")), r"own\.json: "),
    (
        _rewrite("encoder.pkl", lambda tensors: tensors.pop("backward_layer_1.state_linearity.bias")),
        r"encoder\.pkl: expected backward_layer_1\.state_linearity\.bias of shape \(40,\), got none",
    ),
    (
        _rewrite("encoder.pkl", lambda tensors: tensors.update(more=torch.ones(1))),
        r"encoder\.pkl: expected more of shape none, got \(1,\)",
    ),
    (
        _rewrite("token_embedder.pkl", lambda tensors: tensors["projection.bias"].fill_(float("nan"))),
        r"token_embedder\.pkl: projection\.bias has NaN",
    ),
    (
        _rewrite(
            "token_embedder.pkl", lambda tensors: tensors.update({"projection.bias": torch.ones(1).expand(10**9)})
        ),
        r"token_embedder\.pkl: expected weights",
    ),
    (
        _rewrite("token_embedder.pkl", lambda tensors: tensors.pop("char_emb_layer.embedding.weight")),
        "no character CNN; only biLMs",
    ),
    (
        _rewrite("encoder.pkl", lambda tensors: tensors.pop("forward_layer_0.state_projection.weight")),
        "expected the layers of ELMoForManyLangs' encoder `elmo`",
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
