"""The biLMs of ELMoForManyLangs, against the same arithmetic in numpy, one word and one token at a time."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from elmo_tasks.core.errors import InputError
from elmo_tasks.elmo import Elmo, ElmoEmbedder, Engine, batch_to_ids, load_bilm
from elmo_tasks.elmo.weights.hdf5 import write_hdf5
from elmo_tasks.elmo.weights.safetensors import read_safetensors, write_safetensors
from elmo_tasks.embedders.elmo import BilmEmbedder
from many_langs import CELLS, CHARACTERS, FILTERS, MOST, WIDTH, WORD_DIM, WORDS, random_tensors, write_folder

Array = NDArray[np.float64]

SENTENCES = [
    ["ab", "ba", "Ab"],
    ["今ü", "?", ""],
    ["abbabbabba"],  # cut to six characters, and then a known word
    ["a\u3000b", "<bos>", "<S>", "<eos>", "ab"],
    [],
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "de.model")


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def word_vector(word: str, word_dim: int, activation: str) -> Array:
    """The output of the token embedder for one word."""
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
    with pytest.raises(InputError, match=r"options\.json: these are options of an ELMoForManyLangs biLM, which has no"):
        load_bilm(f"{tmp_path / 'options.json'},{tmp_path / 'weights.hdf5'}")


def test_the_fingerprint_depends_on_the_dictionary(folder: Path) -> None:
    before = BilmEmbedder(str(folder)).fingerprint
    text = (folder / "char.dic").read_text(encoding="utf-8")
    (folder / "char.dic").write_text(text.replace("a\t", "z\t"), encoding="utf-8")
    assert BilmEmbedder(str(folder)).fingerprint != before
