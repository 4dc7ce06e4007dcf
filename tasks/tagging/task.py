"""Tagging: one label per token, such as its part of speech.

The learned mix of all biLM layers, word vectors and a character CNN feed a BiLSTM; a softmax labels each token
independently. Peters et al. 2018 (section 5.3) probe single layers for parts of speech; here a tagger is trained.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.settings import bounded
from elmo_tasks.data.marked import read_input
from elmo_tasks.data.objects import read_tagged_objects
from elmo_tasks.data.tagged import read_tagged
from elmo_tasks.metrics import ClassScores, Counts, score_classes
from elmo_tasks.task import Task
from elmo_tasks.text.columns import gold_and_predicted
from elmo_tasks.text.described import describe_tags
from elmo_tasks.text.examples import TaggedSentence, untagged
from elmo_tasks.text.labels import LabelSet
from elmo_tasks.text.results import tag_result

if TYPE_CHECKING:
    from elmo_tasks.nn.embedding_mix import EmbeddingMix
    from elmo_tasks.nn.token_classifier import TokenClassifier

Tags = tuple[str, ...]


@dataclass(frozen=True)
class Settings:
    """The head.

    hidden, layers: width of each direction and number of the BiLSTM layers.
    dropout: on their input and output.
    """

    hidden: int = bounded(200, least=1)
    layers: int = bounded(1, least=1)
    dropout: float = bounded(0.5, least=0, below=1)


def parse(line: str, source: str) -> list[TaggedSentence]:
    """A tokenised sentence, or a JSON object with its tokens, without gold."""
    tokens = read_input(line, source)
    return [TaggedSentence(tokens, ("_",) * len(tokens), source=source)]


def labels(train: Sequence[TaggedSentence]) -> LabelSet:
    """The labels of the training data. Raises InputError if there is only one."""
    own = LabelSet.of_classes(chain.from_iterable(example.tags for example in train))
    if len(own) < 2:
        raise InputError(
            f"{train[0].source}: the training data has only one label, {own.names[0]!r}; at least two are needed"
        )
    return own


def build_model(mix: EmbeddingMix, known: LabelSet, model: Settings) -> TokenClassifier:
    """The BiLSTM with its softmax."""
    from elmo_tasks.nn.token_classifier import TokenClassifier

    return TokenClassifier(mix, len(known), **asdict(model))


def score(examples: Sequence[TaggedSentence], predicted: Sequence[Tags]) -> ClassScores:
    """Accuracy over tokens, macro F1, each label's scores and the confusion matrix."""
    gold = chain.from_iterable(example.tags for example in examples)
    return score_classes(list(gold), list(chain.from_iterable(predicted)))


def count(example: TaggedSentence, predicted: Tags) -> Counts:
    """Count the tokens of a sentence, each right or wrong."""
    right = sum(ours == theirs for ours, theirs in zip(example.tags, predicted, strict=True))
    return Counts(gold=len(predicted), predicted=len(predicted), correct=right)


def describe(line: str, examples: Sequence[TaggedSentence], predicted: Sequence[Tags]) -> dict[str, Any]:
    """`{"tokens", "tags"}`."""
    (example,), (tags,) = examples, predicted
    return describe_tags(example.tokens, tags)


task = Task(
    name="tagging",
    settings=Settings,
    headline="accuracy",
    default_data="sample-tagging",
    read=read_tagged,
    parse=parse,
    labels=labels,
    encode=lambda example, known: known.encode(example.tags, example.source),
    decode=lambda numbers, known: known.decode(numbers),
    build_model=build_model,
    score=score,
    count=count,
    describe=describe,
    record=gold_and_predicted,
    plain=untagged,
    result=tag_result,
    objects=read_tagged_objects,
)
