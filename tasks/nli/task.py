"""Natural language inference: does a premise entail a hypothesis, contradict it, or neither?

As in Peters et al. 2018, section 4 (SNLI): the sequential part of ESIM (Chen et al. 2017) reads word vectors and the
learned mix of all biLM layers, and a second mix at the output of its first BiLSTM. Any labels of two texts will do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.settings import bounded
from elmo_tasks.data.pairs import read_pair, read_pair_objects, read_pairs
from elmo_tasks.metrics import ClassScores, Counts, score_classes
from elmo_tasks.task import Task
from elmo_tasks.text.described import describe_pair, likeliest
from elmo_tasks.text.examples import SentencePair
from elmo_tasks.text.labels import LabelSet
from elmo_tasks.text.results import pair_result

if TYPE_CHECKING:
    from elmo_tasks.nn.embedding_mix import EmbeddingMix
    from elmo_tasks.nn.esim import Esim

Probabilities = dict[str, float]


@dataclass(frozen=True)
class Settings:
    """ESIM.

    hidden: width of each direction of both BiLSTMs, and of the ReLU and tanh layers; 300 in the paper.
    dropout: before the BiLSTMs and the last layers, and on the mix at the output; 0.5 in the paper.
    elmo_at_output: add a second mix of the contextual embedders to the output of the first BiLSTM.
    hypothesis_only: read nothing of the premise, as a control.
    """

    hidden: int = bounded(128, least=1)
    dropout: float = bounded(0.2, least=0, below=1)
    elmo_at_output: bool = True
    hypothesis_only: bool = False


def parse(line: str, source: str) -> list[SentencePair]:
    """A premise, a tab and a hypothesis, or a JSON object with both, without gold."""
    return [read_pair(line, source)]


def labels(train: Sequence[SentencePair]) -> LabelSet:
    """The labels of the training data. Raises InputError if there is only one."""
    own = LabelSet.of_classes(pair.label for pair in train)
    if len(own) < 2:
        raise InputError(
            f"{train[0].source}: the training data has only one label, {own.names[0]!r}; at least two are needed"
        )
    return own


def encode(pair: SentencePair, known: LabelSet) -> int:
    """The gold label as a number."""
    return known.index(pair.label, pair.source)


def decode(output: Sequence[float], known: LabelSet) -> Probabilities:
    """The probability of each label; none for a pair without tokens."""
    return dict(zip(known.names, output, strict=True)) if output else {}


def build_model(mix: EmbeddingMix, known: LabelSet, model: Settings) -> Esim:
    """ESIM."""
    from elmo_tasks.nn.esim import Esim

    return Esim(mix, known, **asdict(model))


def score(pairs: Sequence[SentencePair], predicted: Sequence[Probabilities]) -> ClassScores:
    """Accuracy, macro F1, each label's scores and the confusion matrix."""
    return score_classes([pair.label for pair in pairs], [str(likeliest(found)) for found in predicted])


def count(pair: SentencePair, predicted: Probabilities) -> Counts:
    """Count the label, right or wrong."""
    return Counts(gold=1, predicted=1, correct=int(pair.label == likeliest(predicted)))


def describe(line: str, pairs: Sequence[SentencePair], predicted: Sequence[Probabilities]) -> dict[str, Any]:
    """`{"premise", "hypothesis", "label", "probabilities"}`; the label is null for an empty line."""
    (pair,), (found,) = pairs, predicted
    return describe_pair(pair.premise, pair.hypothesis, found)


def record(pairs: Sequence[SentencePair], predicted: Sequence[Probabilities]) -> str:
    """Gold label, predicted label, its probability, premise and hypothesis, separated by tabs."""
    return "".join(
        f"{pair.label}\t{likeliest(found)}\t{max(found.values()):.4f}\t"
        f"{' '.join(pair.premise)}\t{' '.join(pair.hypothesis)}\n"
        for pair, found in zip(pairs, predicted, strict=True)
    )


task = Task(
    name="nli",
    settings=Settings,
    headline="accuracy",
    default_data="sample-nli",
    read=read_pairs,
    parse=parse,
    labels=labels,
    encode=encode,
    decode=decode,
    build_model=build_model,
    score=score,
    count=count,
    describe=describe,
    record=record,
    closed=True,
    pair=lambda premise, hypothesis, source: SentencePair(premise, hypothesis, "", source),
    result=pair_result,
    objects=read_pair_objects,
)
