"""A small random biLM in the files of ELMoForManyLangs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

FILTERS, CHAR_DIM, WORD_DIM, MOST, CELLS, WIDTH = ((1, 4), (2, 3), (3, 5)), 5, 3, 8, 10, 6
CHARACTERS = ["<oov>", "<bos>", "a", "b", "<eow>", "\u3000", "ü", "<pad>", "今", "<eos>", "<bow>"]
WORDS = ["<oov>", "<bos>", "ab", "<pad>", "abbabb", "<eos>"]


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
