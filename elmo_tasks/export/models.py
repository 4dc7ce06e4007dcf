"""Export the models of the tasks as graphs, from token vectors to scores."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from elmo_tasks.export.graph import Graph
from elmo_tasks.nn.biattention import BiattentiveNetwork
from elmo_tasks.nn.bilstm import BiLstm
from elmo_tasks.nn.classifier import Classifier, PooledHead
from elmo_tasks.nn.embedding_mix import EmbeddingMix, FrozenLayers
from elmo_tasks.nn.esim import Esim
from elmo_tasks.nn.highway_lstm import HighwayLstm
from elmo_tasks.nn.pooling import AttentionPooling
from elmo_tasks.nn.role_labeller import RoleLabeller
from elmo_tasks.nn.tagger import Tagger
from elmo_tasks.nn.token_classifier import TokenClassifier


def tagger_graph(model: Tagger | TokenClassifier, *, int8: bool) -> bytes:
    """Inputs: x0, x1, ... (T, B, D), lengths (B,) int32. Output: scores of the tags (T, B, K).

    An input that the model mixes twice has both mixes: (T, B, 2 D).
    """
    graph, x, _, lengths = _begin(model.mix, int8)
    encoded = _bilstm(graph, model.encoder, x, lengths)
    graph.output(graph.linear(encoded, model.emission.weight, model.emission.bias), ["T", "B", "K"])
    return graph.serialised()


def finder_graph(model: RoleLabeller, *, int8: bool) -> bytes:
    """Inputs as for `tagger_graph`. Output: scores of "no predicate" and "predicate" (T, B, 2)."""
    graph, x, _, lengths = _begin(model.mix, int8)
    found = _bilstm(graph, model.finder, x, lengths)
    graph.output(graph.linear(found, model.is_predicate.weight, model.is_predicate.bias), ["T", "B", 2])
    return graph.serialised()


def roles_graph(model: RoleLabeller, *, int8: bool) -> bytes:
    """Sentences with one predicate each, in streams.

    Inputs: x0, x1, ... (T, S, D); marked (T, S) int64, 1 at the predicate; begins (T, S, 1) bool, true where a sentence
    begins; turn (T * S,) int64, for each position the one at which a backward layer reads that token. Output: scores of
    the tags (T, S, K).
    """
    graph = Graph(int8=int8)
    x, _ = _mixed(graph, model.mix, "S")
    marked = graph.input("marked", "int64", ["T", "S"])
    begins = graph.input("begins", "bool", ["T", "S", 1])
    turn = graph.input("turn", "int64", ["N"])
    x = graph.op("Concat", x, graph.op("Gather", graph.weight(model.indicator.weight), marked), axis=2)
    x = _highway_lstm(graph, model.encoder, x, begins, turn)
    graph.output(graph.linear(x, model.emission.weight, model.emission.bias), ["T", "S", "K"])
    return graph.serialised()


def classifier_graph(model: Classifier, *, int8: bool) -> bytes:
    """Inputs as for `tagger_graph`. Output: scores of the labels (B, K)."""
    graph, x, again, lengths = _begin(model.mix, int8)
    x, mask = _layer_norm(graph, model.norm, x), _mask(graph, x, lengths)
    if isinstance(model.head, BiattentiveNetwork):
        beside = again
        if again is not None and model.norm_again is not None:
            beside = _layer_norm(graph, model.norm_again, again)
        scores = _biattentive(graph, model.head, x, lengths, mask, beside)
    else:
        assert isinstance(model.head, PooledHead)
        scores = _pooled(graph, model.head, x, mask)
    graph.output(scores, ["B", "K"])
    return graph.serialised()


def pair_graph(model: Esim, *, int8: bool) -> bytes:
    """Inputs as for `tagger_graph`, with 2 B sentences, each premise before its hypothesis. Output: (B, K)."""
    graph, x, again, lengths = _begin(model.mix, int8)
    mask = _mask(graph, x, lengths)  # (T, 2B, 1)
    x = _bilstm(graph, model.encoder, x, lengths)
    x = graph.op("Concat", x, again, axis=2) if again else x
    aligned = _attend(graph, x, _swapped(graph, x), _swapped(graph, mask))
    difference, product = graph.op("Sub", x, aligned), graph.op("Mul", x, aligned)
    layer = model.projection[0]
    assert isinstance(layer, nn.Linear)
    enhanced = graph.op("Concat", x, aligned, difference, product, axis=2)
    projected = graph.op("Relu", graph.linear(enhanced, layer.weight, layer.bias))
    read = _bilstm(graph, model.composition, projected, lengths)  # (T, 2B, 2H)
    pooled = graph.op("Concat", _mean(graph, read, mask), _largest(graph, read, mask), axis=1)  # (2B, 4H)
    together = graph.reshape(pooled, [-1, model.hidden.in_features])  # (B, 8H)
    hidden = graph.op("Tanh", graph.linear(together, model.hidden.weight, model.hidden.bias))
    graph.output(graph.linear(hidden, model.output.weight, model.output.bias), ["B", "K"])
    return graph.serialised()


def _swapped(graph: Graph, x: str) -> str:
    """Each hypothesis before its premise. x: (T, 2B, D) -> the same."""
    rows = graph.op("Range", graph.constant(0), _size(graph, x, 1), graph.constant(1))  # (2B,)
    turned = graph.op("Gather", graph.op("Reshape", rows, graph.constant([-1, 2])), graph.constant([1, 0]), axis=1)
    return graph.op("Gather", x, graph.reshape(turned, [-1]), axis=1)


def _mask(graph: Graph, x: str, lengths: str) -> str:
    """Whether a token is real. x: (T, B, D), lengths: (B,) int32 -> (T, B, 1)."""
    steps = graph.op("Range", graph.constant(0), _size(graph, x, 0), graph.constant(1))  # (T,)
    real = graph.op("Less", graph.op("Unsqueeze", steps, graph.constant([1])), graph.op("Cast", lengths, to=7))
    return graph.op("Unsqueeze", real, graph.constant([2]))


def _begin(mix: EmbeddingMix, int8: bool) -> tuple[Graph, str, str | None, str]:
    """A graph, the vectors of its tokens (T, B, D), their second mix (T, B, O), and lengths of sentences (B,)."""
    graph = Graph(int8=int8)
    x, again = _mixed(graph, mix, "B")
    return graph, x, again, graph.input("lengths", "int32", ["B"])


def _mixed(graph: Graph, mix: EmbeddingMix, batch: str) -> tuple[str, str | None]:
    """Concatenate all inputs, and all second mixes. Layers are mixed before, and normalised here if required."""
    seconds, parts, again = mix.second_mixes(), [], []
    for number, source in enumerate(mix.sources):
        width, second = source.width, seconds.get(number)
        assert isinstance(width, int)
        x = graph.input(f"x{number}", "float", ["T", batch, width if second is None else 2 * width])
        if second is not None:  # both mixes of one direction, then of the other
            ahead, ahead_again, behind, behind_again = graph.ops("Split", x, outputs=4, axis=2, num_outputs=4)
            x = graph.op("Concat", ahead, behind, axis=2)
            again.append(_normalised(graph, second, graph.op("Concat", ahead_again, behind_again, axis=2)))
        parts.append(_normalised(graph, source, x))
    return _joined(graph, parts), _joined(graph, again) if again else None


def _normalised(graph: Graph, source: nn.Module, x: str) -> str:
    if isinstance(source, FrozenLayers) and source.norm is not None:
        return _layer_norm(graph, source.norm, x)
    return x


def _joined(graph: Graph, parts: Sequence[str]) -> str:
    return graph.op("Concat", *parts, axis=2) if len(parts) > 1 else parts[0]


def _layer_norm(graph: Graph, norm: nn.LayerNorm, x: str) -> str:
    return graph.op(
        "LayerNormalization", x, graph.weight(norm.weight), graph.weight(norm.bias), axis=-1, epsilon=norm.eps
    )


def _size(graph: Graph, x: str, dimension: int) -> str:
    return graph.op("Gather", graph.op("Shape", x), graph.constant(dimension))


def _bilstm(graph: Graph, module: BiLstm, x: str, lengths: str) -> str:
    """x: (T, B, D) -> (T, B, 2H), with ONNX's LSTM, which respects the length of each sentence."""
    lstm = module.lstm
    size = lstm.hidden_size

    def both(name: str, layer: int) -> list[Tensor]:
        """PyTorch's gates are in the order i, f, g, o; those of ONNX in i, o, f, g."""
        stored = [getattr(lstm, f"{name}_l{layer}{suffix}").detach() for suffix in ("", "_reverse")]
        return [torch.cat([i, o, f, g]) for i, f, g, o in (each.chunk(4) for each in stored)]

    for layer in range(lstm.num_layers):
        biases = [torch.cat(pair) for pair in zip(both("bias_ih", layer), both("bias_hh", layer), strict=True)]
        weights = [graph.weight(torch.stack(both(name, layer))) for name in ("weight_ih", "weight_hh")]
        y = graph.op(
            "LSTM", x, *weights, graph.weight(torch.stack(biases)), lengths, direction="bidirectional", hidden_size=size
        )  # (T, 2, B, H)
        x = graph.reshape(graph.op("Transpose", y, perm=[0, 2, 1, 3]), [0, 0, -1])  # (T, B, 2H)
    return x


def _pooled(graph: Graph, head: PooledHead, x: str, mask: str) -> str:
    """x: (T, B, D), mask: (T, B, 1) -> (B, K)."""
    first, second = head.network[0], head.network[-1]
    assert isinstance(first, nn.Linear) and isinstance(second, nn.Linear)
    if isinstance(head.pool, AttentionPooling):
        pooled = _attended(graph, head.pool, x, mask)
    else:
        pooled = (_mean if head.pool.__name__ == "masked_mean" else _largest)(graph, x, mask)
    hidden = graph.op("Relu", graph.linear(pooled, first.weight, first.bias))
    return graph.linear(hidden, second.weight, second.bias)


def _mean(graph: Graph, x: str, mask: str) -> str:
    """Mean over real tokens. x: (T, B, D), mask: (T, B, 1) -> (B, D)."""
    real = graph.op("Cast", mask, to=1)
    first = graph.constant([0])
    total = graph.op("ReduceSum", graph.op("Mul", x, real), first, keepdims=0)
    return graph.op("Div", total, graph.op("ReduceSum", real, first, keepdims=0))


def _largest(graph: Graph, x: str, mask: str) -> str:
    """Maximum over real tokens. x: (T, B, D), mask: (T, B, 1) -> (B, D)."""
    shown = graph.op("Where", mask, x, graph.constant(-float("inf"), "float32"))
    return graph.op("ReduceMax", shown, graph.constant([0]), keepdims=0)


def _attended(graph: Graph, pool: AttentionPooling, x: str, mask: str) -> str:
    """Mean over real tokens weighted by learned scores. x: (T, B, D), mask: (T, B, 1) -> (B, D)."""
    scores = graph.op("Add", graph.op("MatMul", x, graph.weight(pool.score.weight.t())), graph.weight(pool.score.bias))
    shown = graph.op("Where", mask, scores, graph.constant(-float("inf"), "float32"))  # (T, B, 1)
    share = graph.op("Softmax", shown, axis=0)
    return graph.op("ReduceSum", graph.op("Mul", x, share), graph.constant([0]), keepdims=0)


def _biattentive(
    graph: Graph, head: BiattentiveNetwork, x: str, lengths: str, mask: str, beside: str | None = None
) -> str:
    """x: (T, B, D), mask: (T, B, 1), beside: (T, B, O) -> (B, K)."""
    layer = head.feed_forward[0]
    assert isinstance(layer, nn.Linear)
    fed = graph.op("Relu", graph.linear(x, layer.weight, layer.bias))
    encoded = _bilstm(graph, head.encoder, fed, lengths)  # (T, B, 2H)
    context = _attend(graph, encoded, encoded, mask)
    difference, product = graph.op("Sub", encoded, context), graph.op("Mul", encoded, context)
    joined = graph.op("Concat", encoded, difference, product, axis=2)
    read = _bilstm(graph, head.integrator, joined, lengths)  # (T, B, 2H)
    read = graph.op("Concat", read, beside, axis=2) if beside else read
    smallest = graph.op("Neg", _largest(graph, graph.op("Neg", read), mask))
    pooled = [_largest(graph, read, mask), _mean(graph, read, mask), smallest]
    found = graph.op("Concat", *pooled, _attended(graph, head.self_attention, read, mask), axis=1)
    for linear in head.output.layers:
        assert isinstance(linear, nn.Linear)
        pieces = graph.reshape(graph.linear(found, linear.weight, linear.bias), [0, -1, head.output.pieces])
        found = graph.op("ReduceMax", pieces, graph.constant([2]), keepdims=0)
    return found


def _attend(graph: Graph, x: str, y: str, mask: str) -> str:
    """For each token of x, the mean of the real tokens of y, weighted by softmax(x_t . y_s).

    x, y: (T, B, D), mask: (T, B, 1), of y -> (T, B, D).
    """
    affinity = graph.op(
        "MatMul", graph.op("Transpose", x, perm=[1, 0, 2]), graph.op("Transpose", y, perm=[1, 2, 0])
    )  # (B, T, T)
    real = graph.op("Transpose", mask, perm=[1, 2, 0])  # (B, 1, T)
    shown = graph.op("Where", real, affinity, graph.constant(-float("inf"), "float32"))
    rows = graph.op("Transpose", y, perm=[1, 0, 2])  # (B, T, D)
    context = graph.op("MatMul", graph.op("Softmax", shown, axis=-1), rows)  # (B, T, D)
    return graph.op("Transpose", context, perm=[1, 0, 2])


def _highway_lstm(graph: Graph, module: HighwayLstm, x: str, begins: str, turn: str) -> str:
    """x: (T, S, D), begins: (T, S, 1), turn: (T * S,) -> (T, S, H). Every second layer reads from right to left."""
    size = module.width
    streams = graph.op("Gather", graph.op("Shape", x), graph.constant([1]))  # (1,)
    zeros = graph.op(
        "Expand", graph.constant([0.0], "float32"), graph.op("Concat", streams, graph.constant([size]), axis=0)
    )  # (S, H)
    for number, (weight_ih, weight_hh, bias) in enumerate(
        zip(module.weight_ih, module.weight_hh, module.bias, strict=True)
    ):
        if number:  # reverse the sentences; the next layer, or the end, reverses them back
            x = _turned(graph, x, turn, size)
        gates = graph.linear(x, weight_ih, bias)  # (T, S, 6H)
        body = graph.body()
        hidden = body.input("hidden", "float", ["S", size])
        cell = body.input("cell", "float", ["S", size])
        given = body.input("given", "float", ["S", 6 * size])
        begin = body.input("begin", "bool", ["S", 1])
        nothing = body.constant(0.0, "float32")
        hidden, cell = body.op("Where", begin, nothing, hidden), body.op("Where", begin, nothing, cell)
        carry, rest = body.ops("Split", given, body.constant([size, 5 * size]), outputs=2, axis=1)
        summed = body.op("Add", body.linear(hidden, weight_hh), rest)  # (S, 5H)
        h, o, i, f, g = body.ops("Split", summed, outputs=5, axis=1, num_outputs=5)  # (S, H) each
        kept = body.op("Mul", body.op("Sigmoid", f), cell)
        cell = body.op("Add", body.op("Mul", body.op("Sigmoid", i), body.op("Tanh", g)), kept)
        out = body.op("Mul", body.op("Sigmoid", o), body.op("Tanh", cell))
        change = body.op("Mul", body.op("Sigmoid", h), body.op("Sub", out, carry))
        hidden = body.op("Add", carry, change)
        body.output(hidden, ["S", size])
        body.output(cell, ["S", size])
        body.output(body.op("Identity", hidden), ["S", size])
        x = graph.scan(body, [zeros, zeros], [gates, begins])  # (T, S, H)
    return x if len(module.weight_ih) % 2 else _turned(graph, x, turn, size)


def _turned(graph: Graph, x: str, turn: str, size: int) -> str:
    """Reverse each sentence in x: (T, S, H)."""
    flat = graph.op("Gather", graph.reshape(x, [-1, size]), turn)  # (T * S, H)
    return graph.op("Reshape", flat, graph.op("Shape", x))
