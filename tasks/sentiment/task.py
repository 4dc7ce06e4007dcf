"""Sentiment: one label per sentence, as in Peters et al. 2018, section 4 (SST-5), and for any set of labels.

The learned mix of all biLM layers and word vectors are normalised, followed by dropout. By default the mean over the
tokens feeds a ReLU layer; `model.head=bcn` is the network of McCann et al. 2017 that the paper used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from elmo_tasks.core.settings import bounded
from elmo_tasks.data.labelled import read_labelled
from elmo_tasks.data.marked import read_input
from elmo_tasks.data.objects import read_labelled_objects
from elmo_tasks.metrics.labelled import (
    Probabilities,
    class_labels,
    count_label,
    decode_label,
    encode_label,
    score_labels,
)
from elmo_tasks.task import Task
from elmo_tasks.text.described import describe_label, likeliest
from elmo_tasks.text.examples import LabelledSentence, unlabelled
from elmo_tasks.text.labels import LabelSet
from elmo_tasks.text.results import label_result

if TYPE_CHECKING:
    from elmo_tasks.nn.classifier import Classifier
    from elmo_tasks.nn.embedding_mix import EmbeddingMix


@dataclass(frozen=True)
class Settings:
    """The head.

    head: how the tokens of a sentence are combined into one vector; `bcn` is the network of McCann et al. 2017.
    hidden, dropout: width of the head's layers; dropout on the embeddings and in the ReLU layer.
    class_weights: weights of the labels in the loss; `balanced` gives each label the same total weight, however rare.
    elmo_at_output: add a second mix of the contextual embedders to the output of the integrator of a `bcn`.
    """

    head: Literal["mean", "max", "attention", "bcn"] = "mean"
    hidden: int = bounded(256, least=1)
    dropout: float = bounded(0.5, least=0, below=1)
    class_weights: Literal["none", "balanced"] = "none"
    elmo_at_output: bool = False


def parse(line: str, source: str) -> list[LabelledSentence]:
    """A tokenised sentence, or a JSON object with its tokens or text, without gold."""
    return [unlabelled(read_input(line, source), source)]


def build_model(mix: EmbeddingMix, known: LabelSet, model: Settings) -> Classifier:
    """The classifier."""
    from elmo_tasks.nn.classifier import Classifier

    return Classifier(mix, known, **asdict(model))


def describe(line: str, examples: Sequence[LabelledSentence], predicted: Sequence[Probabilities]) -> dict[str, Any]:
    """`{"tokens", "label", "probabilities"}`; the label is null if there are no tokens."""
    (example,), (found,) = examples, predicted
    return describe_label(example.tokens, found)


def record(examples: Sequence[LabelledSentence], predicted: Sequence[Probabilities]) -> str:
    """Gold label, predicted label, its probability and the text, separated by tabs."""
    return "".join(
        f"{example.label}\t{likeliest(found)}\t{max(found.values()):.4f}\t{' '.join(example.tokens)}\n"
        for example, found in zip(examples, predicted, strict=True)
    )


task = Task(
    name="sentiment",
    settings=Settings,
    headline="accuracy",
    default_data="sample-sentiment",
    read=read_labelled,
    parse=parse,
    labels=class_labels,
    encode=encode_label,
    decode=decode_label,
    build_model=build_model,
    score=score_labels,
    count=count_label,
    describe=describe,
    record=record,
    closed=True,
    plain=unlabelled,
    result=label_result,
    objects=read_labelled_objects,
)
