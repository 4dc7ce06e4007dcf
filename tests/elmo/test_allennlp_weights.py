"""AllenNLP's state dicts and checkpoints, against ones put together from the HDF5 file as its code does it."""

from __future__ import annotations

import copy
import io
import os
import pickle
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from elmo_tasks.core.errors import InputError
from elmo_tasks.elmo import Elmo, ElmoTokenEmbedder, batch_to_ids
from elmo_tasks.elmo.weights.hdf5 import read_hdf5

Pair = tuple[Path, Path]
SENTENCES = [["The", "cat", "sat", "."], ["No", "👍"]]
PREFIX = "text_field_embedder.token_embedder_elmo._elmo."


def their_state(weights: Path, gamma: float = 1.0, mix: tuple[float, ...] = (0.3, -0.2, 0.1)) -> dict[str, Tensor]:
    """What `Elmo(options, weights, 1).state_dict()` is in AllenNLP 0.9 to 2.10, computed from the file by numpy."""
    with h5py.File(weights) as file:
        data: dict[str, np.ndarray[Any, Any]] = {}
        file.visititems(lambda name, item: data.update({name: item[...]}) if isinstance(item, h5py.Dataset) else None)
    found: dict[str, Any] = {}
    embedder, lstm = "_elmo_lstm._token_embedder", "_elmo_lstm._elmo_lstm"
    characters = data["char_embed"]
    found[f"{embedder}._char_embedding_weights"] = np.vstack([0 * characters[:1], characters])
    for name, array in data.items():
        group, _, last = name.partition("/")
        if last.startswith("W_cnn_"):
            found[f"{embedder}.char_conv_{last[6:]}.weight"] = np.transpose(array[0], (2, 1, 0))
        if last.startswith("b_cnn_"):
            found[f"{embedder}.char_conv_{last[6:]}.bias"] = array
        if last == "W_transform":
            layer = f"{embedder}._highways._layers.{group.rsplit('_', 1)[-1]}"
            found[f"{layer}.weight"] = np.vstack([array.T, -data[f"{group}/W_carry"].T])
            found[f"{layer}.bias"] = np.hstack([data[f"{group}/b_transform"], -data[f"{group}/b_carry"]])
        if name.endswith("LSTMCell/W_0"):
            place = name.split("/")
            cell = f"{lstm}.{('forward', 'backward')[int(place[0][-1])]}_layer_{place[3][-1]}"
            kernel = {gate: part.T for gate, part in zip("icfo", np.split(array, 4, axis=1), strict=True)}
            bias = dict(zip("icfo", np.split(data[name.replace("W_0", "B")], 4), strict=True))
            bias["f"] = bias["f"] + 1
            joint = np.vstack([kernel[gate] for gate in "ifco"])
            width = data[name.replace("W_0", "W_P_0")].shape[1]
            found[f"{cell}.input_linearity.weight"] = joint[:, :-width]
            found[f"{cell}.state_linearity.weight"] = joint[:, -width:]
            found[f"{cell}.state_linearity.bias"] = np.hstack([bias[gate] for gate in "ifco"])
            found[f"{cell}.state_projection.weight"] = data[name.replace("W_0", "W_P_0")].T
    found[f"{embedder}._projection.weight"] = data["CNN_proj/W_proj"].T
    found[f"{embedder}._projection.bias"] = data["CNN_proj/b_proj"]
    found["scalar_mix_0.gamma"] = np.array([gamma])
    for layer, weight in enumerate(mix):
        found[f"scalar_mix_0.scalar_parameters.{layer}"] = np.array([weight])
    return {name: torch.tensor(np.ascontiguousarray(array), dtype=torch.float32) for name, array in found.items()}


def other(pair: Pair, mixes: int = 1, **arguments: Any) -> Elmo:
    """An `Elmo` whose weights are all wrong."""
    elmo = Elmo(*pair, mixes, dropout=0.0, **arguments)
    for parameter in elmo.parameters():
        parameter.data.mul_(-0.5)
    if elmo.words is not None:
        elmo.words.compute(elmo.bilm)
    return elmo


def expected(pair: Pair, gamma: float = 1.0, mix: tuple[float, ...] = (0.3, -0.2, 0.1)) -> Tensor:
    weights = torch.softmax(torch.tensor(mix), dim=0)
    return gamma * torch.einsum("l,bltd->btd", weights, read_hdf5(*pair)(batch_to_ids(SENTENCES)).layers)


def first(elmo: nn.Module) -> Tensor:
    output = elmo(batch_to_ids(SENTENCES))
    found: Tensor = output["elmo_representations"][0] if isinstance(output, dict) else output
    return found.detach()


class Tagger(nn.Module):
    """A model of somebody's own, in which only the import has changed."""

    def __init__(self, pair: Pair) -> None:
        super().__init__()
        self.layers = nn.ModuleDict({"elmo": other(pair)})
        self.linear = nn.Linear(12, 3)


def test_a_state_dict_loads_at_any_depth(pair: Pair) -> None:
    elmo = other(pair)
    assert str(elmo.load_state_dict(their_state(pair[1], gamma=1.5))) == "<All keys matched successfully>"
    torch.testing.assert_close(first(elmo), expected(pair, gamma=1.5), rtol=0, atol=1e-5)
    model = Tagger(pair)
    stored = {f"layers.elmo.{name}": value for name, value in their_state(pair[1]).items()}
    stored |= {"linear.weight": torch.ones(3, 12), "linear.bias": torch.zeros(3)}
    file = io.BytesIO()
    torch.save(stored, file)
    model.load_state_dict(torch.load(io.BytesIO(file.getvalue()), weights_only=True))
    torch.testing.assert_close(first(model.layers["elmo"]), expected(pair), rtol=0, atol=1e-5)
    own = copy.deepcopy(model.state_dict())
    model.load_state_dict(own)  # our own names are as good


def test_it_goes_back_too(pair: Pair) -> None:
    elmo, theirs = other(pair), their_state(pair[1])
    elmo.load_state_dict(theirs)
    found = elmo.allennlp_state_dict()
    assert found.keys() == theirs.keys()
    for name, value in theirs.items():
        torch.testing.assert_close(found[name], value, rtol=0, atol=1e-6, msg=name)


def test_what_is_missing_or_surplus_is_named(pair: Pair) -> None:
    state = their_state(pair[1])
    del state["scalar_mix_0.gamma"], state["_elmo_lstm._elmo_lstm.forward_layer_1.input_linearity.weight"]
    state["_elmo_lstm._elmo_lstm.forward_layer_2.input_linearity.weight"] = torch.zeros(2)
    missing, unexpected = other(pair).load_state_dict(state, strict=False)
    assert sorted(missing) == ["bilm.forward_layers.1.weight_ih", "scalar_mixes.0.gamma"]
    assert unexpected == ["_elmo_lstm._elmo_lstm.forward_layer_2.input_linearity.weight"]


def test_cached_words_follow_the_weights(pair: Pair) -> None:
    words = ["@@PADDING@@", "The", "cat", "sat", ".", "No", "👍"]
    elmo = other(pair, vocab_to_cache=words)
    elmo.load_state_dict(their_state(pair[1]) | {"_elmo_lstm._word_embedding.weight": torch.zeros(7, 6)})
    numbers = torch.tensor([[words.index(word) for word in row] + [0] * (4 - len(row)) for row in SENTENCES])
    found = elmo(torch.zeros(2, 4, 50, dtype=torch.long), numbers)["elmo_representations"][0].detach()
    torch.testing.assert_close(found, expected(pair), rtol=0, atol=1e-5)


def test_copies_and_pickles_load_too(pair: Pair) -> None:
    for elmo in (copy.deepcopy(other(pair)), pickle.loads(pickle.dumps(other(pair)))):
        elmo.load_state_dict(their_state(pair[1]))
        torch.testing.assert_close(first(elmo), expected(pair), rtol=0, atol=1e-5)


@pytest.fixture
def checkpoint(pair: Pair, tmp_path: Path) -> Path:
    """A `.th` file of a whole AllenNLP model."""
    state = {PREFIX + name: value for name, value in their_state(pair[1], gamma=2.0).items()}
    torch.save(state | {"tag_projection_layer._module.bias": torch.zeros(4)}, tmp_path / "best.th")
    return tmp_path / "best.th"


def test_the_elmo_inside_a_checkpoint(pair: Pair, checkpoint: Path) -> None:
    elmo = other(pair)
    elmo.load_allennlp(checkpoint)
    torch.testing.assert_close(first(elmo), expected(pair, gamma=2.0), rtol=0, atol=1e-5)
    again = other(pair)
    again.load_allennlp(str(checkpoint), PREFIX)
    assert torch.equal(first(again), first(elmo))
    state = torch.load(checkpoint, weights_only=True)
    state |= {name.replace("_elmo.", "_other."): value for name, value in state.items()}
    torch.save(state, checkpoint)
    with pytest.raises(
        InputError, match=r"best.th: there are 2 ELMos in this file; pass one of these as prefix: \['text_"
    ):
        elmo.load_allennlp(checkpoint)
    with pytest.raises(
        InputError, match=r"best.th: there is no ELMo with the prefix 'elmo.'; the prefixes are \['text"
    ):
        elmo.load_allennlp(checkpoint, "elmo.")
    elmo.load_allennlp(checkpoint, PREFIX)


class Malicious:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("ran",)


def test_faults_of_checkpoints(pair: Pair, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    elmo = other(pair)
    before = {name: value.clone() for name, value in elmo.state_dict().items()}
    state = torch.load(checkpoint, weights_only=True)
    faults = {
        "none.th": (None, "none.th: no such file; give the .th file of an AllenNLP model"),
        "text.th": (
            b"hello",
            "text.th: not a checkpoint with only weights .*; for a model.tar.gz, give the weights.th",
        ),
        "cut.th": (checkpoint.read_bytes()[:3000], "cut.th: not a checkpoint with only weights"),
        "code.th": ({"a": Malicious()}, "code.th: not a checkpoint with only weights"),
        "list.th": ([torch.zeros(1)], "list.th: there is no AllenNLP ELMo in this file: no name ends in _elmo_lstm"),
        "without.th": ({"encoder.bias": torch.zeros(1)}, "without.th: there is no AllenNLP ELMo in this file"),
        "wide.th": (
            state | {f"{PREFIX}_elmo_lstm._token_embedder._projection.bias": torch.zeros(7)},
            r"the shape of bilm.token_encoder.projection.bias is \(7,\), not \(6,\); check options_file and num_out",
        ),
        "mixes.th": (
            state | {f"{PREFIX}scalar_mix_1.gamma": torch.ones(1)},
            r"the shape of scalar_mix_1.gamma is \(1,\), not none; check",
        ),
        "nan.th": (
            state | {f"{PREFIX}scalar_mix_0.gamma": torch.full((1,), torch.nan)},
            "gamma contains NaN or infinity",
        ),
    }
    for name, (content, message) in faults.items():
        if isinstance(content, bytes):
            Path(name).write_bytes(content)
        elif content is not None:
            torch.save(content, name)
        with pytest.raises(InputError, match=message):
            elmo.load_allennlp(name)
    assert not Path("ran").exists()
    assert all(torch.equal(value, before[name]) for name, value in elmo.state_dict().items())
    with pytest.raises(InputError, match=r"the shape of scalar_mixes.1.gamma is none, not \(1,\)"):
        other(pair, mixes=2).load_allennlp(checkpoint)


def test_a_token_embedder_loads_its_state(pair: Pair) -> None:
    embedder = ElmoTokenEmbedder(*pair, dropout=0.0, projection_dim=4)
    state = {f"_elmo.{name}": value for name, value in their_state(pair[1]).items()}
    weight, bias = torch.randn(4, 12), torch.randn(4)
    embedder.load_state_dict(state | {"_projection.weight": weight, "_projection.bias": bias})
    torch.testing.assert_close(first(embedder), expected(pair) @ weight.T + bias, rtol=0, atol=1e-4)
