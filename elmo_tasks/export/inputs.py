"""Export the inputs of a run: graphs of the biLM and of character CNNs, and word tables."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from torch import nn

from elmo_tasks.core.characters import PAD
from elmo_tasks.core.errors import InputError
from elmo_tasks.elmo.weights.resolve import load_bilm
from elmo_tasks.embedders.cache.cached import CachedEmbedder
from elmo_tasks.embedders.chars import CharsInput
from elmo_tasks.embedders.elmo import BilmEmbedder
from elmo_tasks.embedders.inputs import FrozenInput, WordInput
from elmo_tasks.embedders.protocol import Input
from elmo_tasks.embedders.words.vectors import WordVectors
from elmo_tasks.export.bilm import direction_graph, words_graph
from elmo_tasks.export.graph import Graph, array
from elmo_tasks.lite.inputs import word_digest
from elmo_tasks.nn.char_cnn import CharCnn
from elmo_tasks.nn.embedding_mix import FrozenLayers, WordLookup

Files = dict[str, bytes]
Maker = Callable[[str, bool], tuple[dict[str, Any], Files]]
"""A function from the prefix of the file names, and whether to use 8 bits, to the manifest entry and the files."""


def maker_of(source: Input, module: nn.Module, again: nn.Module | None = None) -> Maker:
    """Return the function that exports an input. Runs that cannot be exported are refused before computing anything.

    again: the second mix of its layers, if the model has one.

    Raises:
        InputError: the embedder cannot be exported.
    """
    if isinstance(source, CharsInput) and isinstance(module, CharCnn):
        return lambda prefix, int8: _chars(source, module, prefix)
    if isinstance(source, WordInput) and isinstance(module, WordLookup) and isinstance(source.vectors, WordVectors):
        return lambda prefix, int8: _table(source, module, prefix, int8)
    if isinstance(source, FrozenInput) and isinstance(module, FrozenLayers):
        inner = source.embedder.inner if isinstance(source.embedder, CachedEmbedder) else source.embedder
        if isinstance(inner, BilmEmbedder):
            if inner.engine.options.dictionary is not None:
                raise InputError(
                    f"the biLM of {source.name} has its own dictionary and cannot be exported; only biLMs in bilm-tf's "
                    "format can"
                )
            mixes = [each for each in (module, again) if isinstance(each, FrozenLayers)]
            return lambda prefix, int8: _elmo(inner, mixes, prefix, int8)
    raise InputError(
        f"the embedder {source.name} cannot be exported; only runs with elmo, chars and word tables such as glove can"
    )


def _elmo(
    embedder: BilmEmbedder, mixes: Sequence[FrozenLayers], prefix: str, int8: bool
) -> tuple[dict[str, Any], Files]:
    bilm = load_bilm(embedder.weights).float()
    weights = [_weights(module, bilm.n_layers) for module in mixes]
    options = bilm.options
    entry = {
        "kind": "elmo",
        "width": len(mixes) * bilm.width,
        "encoded_width": options.projection_dim,
        "max_characters": options.max_characters,
        "margin": max(width for width, _ in options.filters),
        "pad": PAD,
    }
    files = {f"{prefix}-words.onnx": words_graph(bilm.token_encoder, int8=int8)}
    for side, name in enumerate(("forward", "backward")):
        files[f"{prefix}-{name}.onnx"] = direction_graph(bilm, side, weights, int8=int8)
    return entry, files


def _weights(module: FrozenLayers, n_layers: int) -> list[float]:
    """The weight of each layer."""
    if module.mix is None:
        return [float(layer == (module.fixed or 0)) for layer in range(n_layers)]
    found: list[float] = (module.mix.gamma * module.mix.weights()).tolist()
    return found


def _chars(source: CharsInput, module: CharCnn, prefix: str) -> tuple[dict[str, Any], Files]:
    entry = {
        "kind": "chars",
        "width": module.width,
        "encoded_width": module.width,
        "max_characters": source.max_characters,
        "margin": 0,
        "pad": 0,
    }
    return entry, {f"{prefix}-words.onnx": chars_graph(module)}


def chars_graph(module: CharCnn) -> bytes:
    """Inputs: ids (N, C) int64, 0 where absent. Output: the vector of each word (N, F)."""
    graph = Graph(int8=False)  # the graph is small
    convolution = module.convolution
    width = convolution.kernel_size[0]
    ids = graph.input("ids", "int64", ["N", "C"])
    embedded = graph.op("Gather", graph.weight(module.embedding.weight), ids)  # (N, C, E)
    assert convolution.bias is not None
    found = graph.op(
        "Conv",
        graph.op("Transpose", embedded, perm=[0, 2, 1]),
        graph.weight(convolution.weight),
        graph.weight(convolution.bias),
        pads=[width - 1, width - 1],
    )  # (N, F, C + width - 1)
    present = graph.op("Cast", graph.op("Greater", ids, graph.constant(0)), to=7)
    lengths = graph.op("ReduceSum", present, graph.constant([1]))  # (N, 1)
    windows = graph.op("Gather", graph.op("Shape", found), graph.constant(2))
    places = graph.op("Range", graph.constant(0), windows, graph.constant(1))
    touching = graph.op("Less", places, graph.op("Add", lengths, graph.constant(width - 1)))  # (N, C + width - 1)
    shown = graph.op(
        "Where",
        graph.op("Unsqueeze", touching, graph.constant([1])),
        found,
        graph.constant(-float("inf"), "float32"),
    )
    graph.output(graph.op("Relu", graph.op("ReduceMax", shown, graph.constant([2]), keepdims=0)), ["N", "F"])
    return graph.serialised()


def _table(source: WordInput, module: WordLookup, prefix: str, int8: bool) -> tuple[dict[str, Any], Files]:
    """The rows including the trained offsets; in 16 bits with `int8`, which halves the largest file."""
    vectors = source.vectors
    table = np.concatenate([array(module.matrix), array(module.unknown)[None]])  # (V + 1, D)
    if module.offsets is not None:
        table += array(module.offsets.weight)[module.offset_of_row.numpy()]
    digests = np.array([word_digest(word) for word in vectors.words()], np.uint64)
    rows = np.array([vectors.row(word) for word in vectors.words()], np.int32)
    order = digests.argsort(kind="stable")
    files = {
        f"{prefix}-vectors.npy": saved(table.astype(np.float16 if int8 else np.float32)),
        f"{prefix}-digests.npy": saved(digests[order]),
        f"{prefix}-rows.npy": saved(rows[order]),
    }
    return {"kind": "table", "width": module.width}, files


def saved(values: np.ndarray[Any, Any]) -> bytes:
    """The bytes of a `.npy` file."""
    stream = io.BytesIO()
    np.save(stream, values, allow_pickle=False)
    return stream.getvalue()
