"""Convert token vectors to the results of a task, with the graph of its model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np

from elmo_tasks.core.errors import InputError
from elmo_tasks.lite.folder import MANIFEST, Export, Floats
from elmo_tasks.lite.packing import Packing
from elmo_tasks.lite.viterbi import viterbi
from elmo_tasks.text.described import describe_frames, describe_label, describe_pair, describe_spans, describe_tags
from elmo_tasks.text.examples import TaggedSentence
from elmo_tasks.text.labels import LabelSet
from elmo_tasks.text.results import Result, entity_result, frame_result, label_result, tag_result
from elmo_tasks.text.spans import convert, legal_transitions
from elmo_tasks.text.tokeniser import Sentence

Tokens = Sequence[str]
Vectors = Sequence[Sequence[Floats]]
"""For each input the vectors (T, D) of each sentence."""

Frames = Sequence[tuple[int, Sequence[str]]]
"""The position of each predicate, and the BIO tags of its arguments."""

_TOGETHER = 32
"""Number of sentences per batch of the task's graph."""


class Decoder(Protocol):
    """The model of a task. Only the decoder itself knows the type of its predictions.

    It predicts examples, which consist of one sentence, or of two if `pairs` is true.
    """

    @property
    def pairs(self) -> bool:
        """Whether it compares two sentences."""

    @property
    def nothing(self) -> Any:
        """The prediction for an example without tokens."""

    def __call__(self, vectors: Vectors) -> list[Any]:
        """The prediction for each example; sentences must not be empty."""

    def scores(self, vectors: Vectors) -> list[Floats]:
        """Scores before decoding, per example: (T, K) for labels per token, or (K,) for the labels of the example."""

    def describe(self, sentences: Sequence[Tokens], predicted: Any) -> dict[str, Any]:
        """The value printed by `elmo-tasks predict` for the sentences of an example."""

    def result(self, sentence: Sentence, predicted: Any) -> Result:
        """The result with positions in a raw text."""


def open_decoder(export: Export) -> Decoder:
    """Open the decoder of the model named in the manifest.

    Raises:
        InputError: this version does not support the model, or a file cannot be used.
    """
    kinds: dict[str, Callable[[Export], Decoder]] = {
        "tagger": Tagger,
        "token classifier": TokenClassifier,
        "classifier": Classifier,
        "pair classifier": PairClassifier,
        "role labeller": RoleLabeller,
    }
    name = export.manifest["model"]
    if name not in kinds:
        raise InputError(f"{export.path / MANIFEST}: unknown model {name!r:.60}; install a newer version")
    return kinds[name](export)


class Tagger:
    """A BiLSTM graph, with CRF decoding here. A prediction consists of BIO tags."""

    pairs = False
    nothing: tuple[str, ...] = ()

    def __init__(self, export: Export) -> None:
        self.graph = export.session("model.onnx")
        self.labels = LabelSet(tuple(export.manifest["labels"]))
        self.scheme: str = export.manifest["scheme"]
        moves = export.array("transitions.npy")  # (K + 2, K): transitions from each label, then start and end
        self.step, self.start, self.end = moves[:-2], moves[-2], moves[-1]

    def __call__(self, vectors: Vectors) -> list[tuple[str, ...]]:
        found: dict[int, tuple[str, ...]] = {}
        for rows, lengths, scores in _batches(self.graph, vectors):
            numbers = viterbi(scores, lengths, self.start, self.end, self.step)
            for row, own in zip(rows, numbers, strict=True):
                found[row] = convert(self.labels.decode(own), self.scheme, "BIO")
        return [found[row] for row in range(len(found))]

    def scores(self, vectors: Vectors) -> list[Floats]:
        return _of_tokens(self.graph, vectors)

    def describe(self, sentences: Sequence[Tokens], predicted: tuple[str, ...]) -> dict[str, Any]:
        return describe_spans(sentences[0], predicted)

    def result(self, sentence: Sentence, predicted: tuple[str, ...]) -> Result:
        return entity_result(sentence, (), (predicted,), None)


class TokenClassifier:
    """A graph that computes label scores for each token. A prediction consists of the best labels."""

    pairs = False
    nothing: tuple[str, ...] = ()

    def __init__(self, export: Export) -> None:
        self.graph = export.session("model.onnx")
        self.labels = LabelSet(tuple(export.manifest["labels"]))

    def __call__(self, vectors: Vectors) -> list[tuple[str, ...]]:
        return [self.labels.decode(scores.argmax(axis=1).tolist()) for scores in self.scores(vectors)]

    def scores(self, vectors: Vectors) -> list[Floats]:
        return _of_tokens(self.graph, vectors)

    def describe(self, sentences: Sequence[Tokens], predicted: tuple[str, ...]) -> dict[str, Any]:
        return describe_tags(sentences[0], predicted)

    def result(self, sentence: Sentence, predicted: tuple[str, ...]) -> Result:
        return tag_result(sentence, (), (predicted,), None)


class Classifier:
    """A graph that computes label scores. A prediction consists of their softmax probabilities."""

    pairs = False
    nothing: Mapping[str, float] = MappingProxyType({})

    def __init__(self, export: Export) -> None:
        self.graph = export.session("model.onnx")
        self.names: list[str] = export.manifest["labels"]

    def __call__(self, vectors: Vectors) -> list[Mapping[str, float]]:
        found: list[Mapping[str, float]] = []
        for scores in self.scores(vectors):
            shares = np.exp(scores - scores.max())
            found.append(dict(zip(self.names, (shares / shares.sum()).tolist(), strict=True)))
        return found

    def scores(self, vectors: Vectors) -> list[Floats]:
        found: dict[int, Floats] = {}
        for rows, _, scores in _batches(self.graph, vectors, 2 if self.pairs else 1):
            found.update(zip(rows, scores, strict=True))
        return [found[row] for row in range(len(found))]

    def describe(self, sentences: Sequence[Tokens], predicted: Mapping[str, float]) -> dict[str, Any]:
        return describe_label(sentences[0], predicted)

    def result(self, sentence: Sentence, predicted: Mapping[str, float]) -> Result:
        return label_result(sentence, (), (predicted,), None)


class PairClassifier(Classifier):
    """A graph that computes label scores of pairs: the vectors are those of each premise and its hypothesis."""

    pairs = True

    def describe(self, sentences: Sequence[Tokens], predicted: Mapping[str, float]) -> dict[str, Any]:
        premise, hypothesis = sentences
        return describe_pair(premise, hypothesis, predicted)


class RoleLabeller:
    """A graph that finds predicates, and one that labels their arguments. A prediction consists of their BIO tags."""

    pairs = False
    nothing: Frames = ()

    def __init__(self, export: Export) -> None:
        self.finder = export.session("finder.onnx")
        self.graph = export.session("model.onnx")
        self.labels = LabelSet(tuple(export.manifest["labels"]))
        start, end, step = legal_transitions(self.labels.names, "BIO")
        self.start, self.end, self.step = (
            np.where(np.array(legal), 0.0, -np.inf).astype(np.float32) for legal in (start, end, step)
        )

    def __call__(self, vectors: Vectors) -> list[Frames]:
        found = self.scores(vectors)
        places = [np.flatnonzero(scores[:, 1] > scores[:, 0]).tolist() for scores in found]
        marked = [(row, place) for row, own in enumerate(places) for place in own]
        frames: list[list[tuple[int, Sequence[str]]]] = [[] for _ in found]
        for (row, place), tags in zip(marked, self._label(marked, vectors), strict=True):
            frames[row].append((place, tags))
        return list(frames)

    def scores(self, vectors: Vectors) -> list[Floats]:
        """Scores (T, 2) per sentence: "no predicate" and "predicate" for each token."""
        return _of_tokens(self.finder, vectors)

    def role_scores(self, marked: Sequence[tuple[int, int]], vectors: Vectors) -> list[Floats]:
        """Scores (T, K) of the tags for each predicate. marked: the sentence and the position of each predicate."""
        lengths = [len(vectors[0][row]) for row, _ in marked]
        packing = Packing.of(lengths)
        ends = np.cumsum(lengths)
        flags = np.zeros(ends[-1], np.int64)
        flags[ends - lengths + [place for _, place in marked]] = 1
        turn = np.arange(packing.begins.size)
        turn[packing.ahead] = packing.behind
        feed = {f"x{n}": packing.block(np.concatenate([own[row] for row, _ in marked]), packing.ahead)
                for n, own in enumerate(vectors)}  # fmt: skip
        feed |= {"marked": packing.block(flags, packing.ahead), "begins": packing.begins, "turn": turn}
        scores = self.graph.run(None, feed)[0]  # (T, S, K)
        return np.split(scores.reshape(-1, scores.shape[2])[packing.ahead], ends[:-1])

    def _label(self, marked: Sequence[tuple[int, int]], vectors: Vectors) -> Iterator[tuple[str, ...]]:
        for at in range(0, len(marked), _TOGETHER):
            scores = self.role_scores(marked[at : at + _TOGETHER], vectors)
            lengths = [len(own) for own in scores]
            numbers = viterbi(_padded(scores), lengths, self.start, self.end, self.step)
            yield from (self.labels.decode(own) for own in numbers)

    def describe(self, sentences: Sequence[Tokens], predicted: Frames) -> dict[str, Any]:
        return describe_frames(sentences[0], predicted)

    def result(self, sentence: Sentence, predicted: Frames) -> Result:
        examples = [TaggedSentence((), (), at) for at, _ in predicted]
        return frame_result(sentence, examples, [tags for _, tags in predicted], None)


def _padded(tensors: Sequence[Floats]) -> Floats:
    """Pad tensors (T, D) with zeros and stack them to (longest, B, D)."""
    block = np.zeros((max(map(len, tensors)), len(tensors), tensors[0].shape[1]), np.float32)
    for row, tensor in enumerate(tensors):
        block[: len(tensor), row] = tensor
    return block


def _batches(graph: Any, vectors: Vectors, each: int = 1) -> Iterator[tuple[list[int], list[int], Floats]]:
    """Batch examples of `each` sentences and similar length.

    Yields their indices, the lengths of their sentences, and the output of the graph.
    """
    sizes = [len(own) for own in vectors[0]]
    order = sorted(range(len(sizes) // each), key=lambda example: max(sizes[each * example : each * (example + 1)]))
    for at in range(0, len(order), _TOGETHER):
        examples = order[at : at + _TOGETHER]
        rows = [each * example + place for example in examples for place in range(each)]
        lengths = [sizes[row] for row in rows]
        feed = {f"x{n}": _padded([own[row] for row in rows]) for n, own in enumerate(vectors)}
        yield examples, lengths, graph.run(None, feed | {"lengths": np.array(lengths, np.int32)})[0]


def _of_tokens(graph: Any, vectors: Vectors) -> list[Floats]:
    """The output of a graph for each token: (T, K) per sentence."""
    found: dict[int, Floats] = {}
    for rows, lengths, scores in _batches(graph, vectors):
        found.update(
            (row, scores[:length, place]) for place, (row, length) in enumerate(zip(rows, lengths, strict=True))
        )
    return [found[row] for row in range(len(found))]
