"""Export a biLM as three graphs: words from characters, and each direction with its layers already mixed."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from elmo_tasks.elmo.bilm import BiLM
from elmo_tasks.elmo.lstm import LstmState, ProjectedLstm
from elmo_tasks.elmo.token_encoder import CharacterEncoder, Highway
from elmo_tasks.export.graph import Graph, array


def words_graph(encoder: CharacterEncoder, *, int8: bool) -> bytes:
    """Inputs: ids (N, C) int64. Output: the vector of each word (N, P).

    C may be less than the number of characters of the biLM if that only omits padding, as long as the widest filter
    still has one window of only padding; further windows would be equal.
    """
    graph = Graph(int8=False)  # a character table and small filters: 8 bits would save little and cost accuracy
    ids = graph.input("ids", "int64", ["N", "C"])
    embedded = graph.op("Gather", graph.weight(encoder.embedding.weight), ids)  # (N, C, E)
    turned = graph.op("Transpose", embedded, perm=[0, 2, 1])  # (N, E, C)
    pooled = []
    for convolution in encoder.convolutions:
        assert isinstance(convolution, nn.Conv1d) and convolution.bias is not None
        found = graph.op("Conv", turned, graph.weight(convolution.weight), graph.weight(convolution.bias))
        pooled.append(graph.op("ReduceMax", found, graph.constant([2]), keepdims=0))  # (N, F)
    x = graph.op("Concat", *pooled, axis=1)
    x = graph.op("Relu" if encoder.options.activation == "relu" else "Tanh", x)
    graph.int8 = int8
    for highway in encoder.highways:
        assert isinstance(highway, Highway)
        carry = graph.op("Sigmoid", graph.linear(x, highway.carry.weight, highway.carry.bias))
        new = graph.op("Relu", graph.linear(x, highway.transform.weight, highway.transform.bias))
        x = graph.op("Add", x, graph.op("Mul", carry, graph.op("Sub", new, x)))
    graph.output(graph.linear(x, encoder.projection.weight, encoder.projection.bias), ["N", "P"])
    return graph.serialised()


@torch.no_grad()
def direction_graph(bilm: BiLM, side: int, mixes: Sequence[Sequence[float]], *, int8: bool) -> bytes:
    """One direction, computed in streams; the states are reset where a sentence begins.

    Inputs: words (U, P); which (T, S) int64, the word at each step of each stream; begins (T, S, 1) bool, true where a
    sentence begins. Output: the M weighted sums of the layers, concatenated (T, S, M P); layer 0 is the words.

    side: 0 for forward, 1 for backward; mixes: for each sum one weight per layer.
    """
    layers = bilm.backward_layers if side else bilm.forward_layers
    boundary = bilm.boundary_vectors()[side : side + 1]  # (1, P), the vector of the boundary before the first word
    graph = Graph(int8=int8)
    words = graph.input("words", "float", ["U", bilm.options.projection_dim])
    which = graph.input("which", "int64", ["T", "S"])
    begins = graph.input("begins", "bool", ["T", "S", 1])
    here = graph.op("Gather", words, which)  # (T, S, P)
    totals = [graph.op("Mul", here, graph.constant(weights[0], "float32")) for weights in mixes]
    last = max(number for weights in mixes for number, weight in enumerate(weights) if weight or not number)
    x = here
    for number, lstm in zip(range(last), layers, strict=False):
        assert isinstance(lstm, ProjectedLstm)
        before, state = boundary, _after(lstm, boundary)
        gates = graph.linear(x if number else words, lstm.weight_ih, lstm.bias)  # (T, S, 4H), or of each word (U, 4H)
        y = _steps(graph, lstm, gates, None if number else which, begins, state)  # (T, S, P)
        residual = bilm.options.skip_connections and number > 0
        x = graph.op("Add", x, y) if residual else y
        boundary = before + state.hidden if residual else state.hidden
        for place, weights in enumerate(mixes):
            part = graph.op("Mul", x, graph.constant(weights[number + 1], "float32"))
            totals[place] = graph.op("Add", totals[place], part)
    graph.output(graph.op("Concat", *totals, axis=2) if len(totals) > 1 else totals[0], ["T", "S", "P"])
    return graph.serialised()


def _after(lstm: ProjectedLstm, boundary: Tensor) -> LstmState:
    """The state after the boundary of a sentence, (1, P) and (1, H)."""
    _, state = lstm(boundary[None], torch.ones(1, 1, dtype=torch.bool))
    return LstmState(*state)


def _steps(graph: Graph, lstm: ProjectedLstm, gates: str, which: str | None, begins: str, state: LstmState) -> str:
    """All steps of a layer: (T, S, P).

    gates: contributions from the input (T, S, 4H), or those of each word (U, 4H) if `which` (T, S) selects the words;
    state: the initial state of each sentence.
    """
    size, width = lstm.cell_dim, lstm.projection_dim
    body = graph.body()
    hidden = body.input("hidden", "float", ["S", width])
    cell = body.input("cell", "float", ["S", size])
    if which is None:
        given = body.input("given", "float", ["S", 4 * size])
    else:  # step by step, because all steps together would be the largest block in memory
        given = body.op("Gather", gates, body.input("word", "int64", ["S"]))
    begin = body.input("begin", "bool", ["S", 1])
    hidden = body.op("Where", begin, body.constant(array(state.hidden), "float32"), hidden)
    cell = body.op("Where", begin, body.constant(array(state.cell), "float32"), cell)
    summed = body.op("Add", body.linear(hidden, lstm.weight_hh), given)  # (S, 4H)
    i, f, g, o = body.ops("Split", summed, outputs=4, axis=1, num_outputs=4)  # (S, H) each
    kept = body.op("Mul", body.op("Sigmoid", f), cell)
    new = body.op("Mul", body.op("Sigmoid", i), body.op("Tanh", g))
    cell = body.clip(body.op("Add", kept, new), lstm.cell_clip)
    out = body.op("Mul", body.op("Sigmoid", o), body.op("Tanh", cell))
    hidden = body.clip(body.linear(out, lstm.weight_proj), lstm.proj_clip)  # (S, P)
    body.output(hidden, ["S", width])
    body.output(cell, ["S", size])
    body.output(body.op("Identity", hidden), ["S", width])
    streams = graph.op("Gather", graph.op("Shape", begins), graph.constant([1]))  # (1,)
    states = [_zeros(graph, streams, width), _zeros(graph, streams, size)]
    return graph.scan(body, states, [gates if which is None else which, begins])


def _zeros(graph: Graph, rows: str, width: int) -> str:
    """rows: (1,) -> zeros (rows, width)."""
    shape = graph.op("Concat", rows, graph.constant([width]), axis=0)
    return graph.op("Expand", graph.constant([0.0], "float32"), shape)
