"""The biLM against the same in plain numpy: float64, one sentence and one step at a time, from bilm-tf's datasets.

The oracle is written from bilm-tf's description of its graph, in its names and layouts; it shares nothing with the
package.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from elmo_tasks.elmo.bilm import BiLM
from elmo_tasks.elmo.characters import batch_to_ids
from elmo_tasks.elmo.options import BilmOptions
from elmo_tasks.elmo.weights.hdf5 import to_datasets

TINY = BilmOptions(char_dim=3, filters=((1, 4), (2, 5), (3, 6)), n_highway=2, cell_dim=12, projection_dim=6)
SENTENCES = [["naïve", "👍", "", "."], ["No"], ["x" * 60, "東京", "is", "far", "He"]]

Array = np.ndarray


def sigmoid(x: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-x))


def word_ids(word: str) -> list[int]:
    """bilm-tf's ids of training: bytes as they are, begin 258, end 259, padding 260."""
    ids = [260] * 50
    data = list(word.encode("utf-8"))[:48]
    ids[0] = 258
    for position, byte in enumerate(data, start=1):
        ids[position] = byte
    ids[len(data) + 1] = 259
    return ids


def boundary(kind: int) -> list[int]:
    return [258, kind, 259] + [260] * 47


def token_vector(datasets: Mapping[str, Array], options: Mapping[str, Any], ids: Sequence[int]) -> Array:
    cnn = options["char_cnn"]
    characters = np.stack([datasets["char_embed"][i] for i in ids])
    pooled = []
    for index, (width, count) in enumerate(cnn["filters"]):
        kernel, bias = datasets[f"CNN/W_cnn_{index}"][0], datasets[f"CNN/b_cnn_{index}"]
        best = np.full(count, -np.inf)
        for start in range(len(ids) - width + 1):
            value = bias.copy()
            for offset in range(width):
                value = value + characters[start + offset] @ kernel[offset]
            best = np.maximum(best, np.maximum(value, 0) if cnn["activation"] == "relu" else np.tanh(value))
        pooled.append(best)
    x = np.concatenate(pooled)
    for index in range(cnn["n_highway"]):
        group = f"CNN_high_{index}"
        carry = sigmoid(x @ datasets[f"{group}/W_carry"] + datasets[f"{group}/b_carry"])
        transform = np.maximum(x @ datasets[f"{group}/W_transform"] + datasets[f"{group}/b_transform"], 0)
        x = carry * transform + (1 - carry) * x
    return x @ datasets["CNN_proj/W_proj"] + datasets["CNN_proj/b_proj"]


def lstm(
    datasets: Mapping[str, Array], options: Mapping[str, Any], cell_name: str, inputs: Sequence[Array]
) -> list[Array]:
    settings = options["lstm"]
    size = settings["dim"]
    hidden, cell, outputs = np.zeros(settings["projection_dim"]), np.zeros(size), []
    for x in inputs:
        z = np.concatenate([x, hidden]) @ datasets[f"{cell_name}/W_0"] + datasets[f"{cell_name}/B"]
        i, j, f, o = (z[k * size : (k + 1) * size] for k in range(4))
        cell = sigmoid(f + 1.0) * cell + sigmoid(i) * np.tanh(j)
        if settings["cell_clip"]:
            cell = np.minimum(np.maximum(cell, -settings["cell_clip"]), settings["cell_clip"])
        hidden = (sigmoid(o) * np.tanh(cell)) @ datasets[f"{cell_name}/W_P_0"]
        if settings["proj_clip"]:
            hidden = np.minimum(np.maximum(hidden, -settings["proj_clip"]), settings["proj_clip"])
        outputs.append(hidden)
    return outputs


def numpy_layers(datasets: Mapping[str, Array], options: Mapping[str, Any], words: Sequence[str]) -> Array:
    """(L + 1, T, 2P) of one sentence, boundaries added and removed."""
    datasets = {name: np.asarray(value, dtype=np.float64) for name, value in datasets.items()}
    ids = [boundary(256), *(word_ids(word) for word in words), boundary(257)]
    tokens = [token_vector(datasets, options, row) for row in ids]
    result = [np.stack([np.concatenate([t, t]) for t in tokens])]
    ahead, behind = tokens, tokens[::-1]
    for layer in range(options["lstm"]["n_layers"]):
        name = f"RNN/MultiRNNCell/Cell{layer}/LSTMCell"
        ahead_out = lstm(datasets, options, f"RNN_0/{name}", ahead)
        behind_out = lstm(datasets, options, f"RNN_1/{name}", behind)
        if layer > 0 and options["lstm"]["use_skip_connections"]:
            ahead_out = [a + b for a, b in zip(ahead_out, ahead, strict=True)]
            behind_out = [a + b for a, b in zip(behind_out, behind, strict=True)]
        ahead, behind = ahead_out, behind_out
        result.append(np.stack([np.concatenate(pair) for pair in zip(ahead, behind[::-1], strict=True)]))
    return np.stack(result)[:, 1:-1]


@pytest.mark.parametrize(
    "options",
    [
        TINY,
        replace(TINY, activation="tanh"),
        replace(TINY, skip_connections=False),
        replace(TINY, n_highway=0),
        replace(TINY, n_highway=1, n_layers=1),
        replace(TINY, n_layers=3),
        replace(TINY, cell_clip=0.2, proj_clip=0.3),
        replace(TINY, cell_clip=None, proj_clip=None),
    ],
    ids=["tiny", "tanh", "no-skip", "no-highway", "one-layer", "three-layers", "tight-clips", "no-clips"],
)
def test_equals_the_numpy_oracle(options: BilmOptions, random_bilm: Callable[..., BiLM]) -> None:
    bilm = random_bilm(options)
    datasets = {name: tensor.numpy() for name, tensor in to_datasets(bilm.state_dict(), options).items()}
    layers = bilm.double()(batch_to_ids(SENTENCES)).layers
    for row, words in enumerate(SENTENCES):
        if words:
            expected = numpy_layers(datasets, options.to_dict(), words)
            np.testing.assert_allclose(layers[row, :, : len(words)].numpy(), expected, rtol=1e-9, atol=1e-9)
