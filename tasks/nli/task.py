"""Natural language inference: does a premise entail a hypothesis, contradict it, or neither?

As in Peters et al. 2018, section 4 (SNLI): the sequential part of ESIM (Chen et al. 2017) reads word vectors and the
learned mix of all biLM layers, and a second mix at the output of its first BiLSTM. Any labels of two texts will do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from elmo_tasks.core.settings import bounded
from elmo_tasks.data.pairs import read_pair, read_pair_objects, read_pairs
from elmo_tasks.metrics.labelled import (
    Probabilities,
    class_labels,
    count_label,
    decode_label,
    encode_label,
    score_labels,
)
from elmo_tasks.task import Task
from elmo_tasks.text.described import describe_pair, likeliest
from elmo_tasks.text.examples import SentencePair
from elmo_tasks.text.labels import LabelSet
from elmo_tasks.text.results import pair_result

if TYPE_CHECKING:
    from elmo_tasks.nn.embedding_mix import EmbeddingMix
    from elmo_tasks.nn.esim import Esim


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


def build_model(mix: EmbeddingMix, known: LabelSet, model: Settings) -> Esim:
    """ESIM."""
    from elmo_tasks.nn.esim import Esim

    return Esim(mix, known, **asdict(model))


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
    labels=class_labels,
    encode=encode_label,
    decode=decode_label,
    build_model=build_model,
    score=score_labels,
    count=count_label,
    describe=describe,
    record=record,
    closed=True,
    pair=lambda premise, hypothesis, source: SentencePair(premise, hypothesis, "", source),
    result=pair_result,
    objects=read_pair_objects,
)
