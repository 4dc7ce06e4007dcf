"""Named entity recognition as in Peters et al. 2018, section 4.

Pre-trained word vectors, a character CNN and the learned mix of all biLM layers feed two BiLSTM layers of width 200 and
a CRF over BIOES tags without illegal transitions. Trained and tested on CoNLL-2003 with AllenNLP's settings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.settings import bounded
from elmo_tasks.data.conll import read_conll
from elmo_tasks.data.marked import read_input
from elmo_tasks.data.objects import read_tagged_objects
from elmo_tasks.metrics import Counts, SpanScores, conlleval_counts, score_spans
from elmo_tasks.task import Task
from elmo_tasks.text.columns import gold_and_predicted
from elmo_tasks.text.described import describe_spans
from elmo_tasks.text.examples import TaggedSentence, untagged
from elmo_tasks.text.labels import LabelSet, span_types
from elmo_tasks.text.results import entity_result
from elmo_tasks.text.spans import convert

if TYPE_CHECKING:
    from elmo_tasks.nn.embedding_mix import EmbeddingMix
    from elmo_tasks.nn.tagger import Tagger

SCHEME = "BIOES"
Tags = tuple[str, ...]


@dataclass(frozen=True)
class Settings:
    """The head, with the defaults of AllenNLP's NER model.

    hidden, layers: width of each direction and number of the BiLSTM layers; dropout: on their input and output.
    """

    hidden: int = bounded(200, least=1)
    layers: int = bounded(2, least=1)
    dropout: float = bounded(0.5, least=0, below=1)


def parse(line: str, source: str) -> list[TaggedSentence]:
    """A tokenised sentence, or a JSON object with its tokens, without gold."""
    return [untagged(read_input(line, source), source)]


def labels(train: Sequence[TaggedSentence]) -> LabelSet:
    """All BIOES tags of the span types in the training data. Raises InputError if there are none."""
    types = span_types(example.tags for example in train)
    if not types:
        raise InputError(
            f"{train[0].source}: there are no spans in the training data, only O in {len(train)} sentences"
        )
    return LabelSet.of_types(types, SCHEME)


def encode(example: TaggedSentence, known: LabelSet) -> list[int]:
    """The gold tags as numbers."""
    return known.encode(convert(example.tags, "BIO", SCHEME), example.source)


def decode(numbers: Sequence[int], known: LabelSet) -> Tags:
    """Convert numbers to BIO tags."""
    return convert(known.decode(numbers), SCHEME, "BIO")


def build_model(mix: EmbeddingMix, known: LabelSet, model: Settings) -> Tagger:
    """The paper's BiLSTM-CRF."""
    from elmo_tasks.nn.tagger import Tagger

    return Tagger(mix, known, scheme=SCHEME, hidden=model.hidden, layers=model.layers, dropout=model.dropout)


def score(examples: Sequence[TaggedSentence], predicted: Sequence[Tags]) -> SpanScores:
    """Strict span F1 and conlleval's counts."""
    return score_spans([example.tags for example in examples], predicted)


def count(example: TaggedSentence, predicted: Tags) -> Counts:
    """Count the spans of a sentence."""
    return conlleval_counts([example.tags], [predicted])


def describe(line: str, examples: Sequence[TaggedSentence], predicted: Sequence[Tags]) -> dict[str, Any]:
    """`{"tokens", "tags", "entities"}`; an entity covers the tokens from `start` up to, but not including, `end`."""
    (tokens,), (tags,) = [example.tokens for example in examples], predicted
    return describe_spans(tokens, tags)


task = Task(
    name="ner",
    settings=Settings,
    headline="f1",
    default_data="sample",
    read=read_conll,
    parse=parse,
    labels=labels,
    encode=encode,
    decode=decode,
    build_model=build_model,
    score=score,
    count=count,
    describe=describe,
    record=gold_and_predicted,
    plain=untagged,
    result=entity_result,
    objects=partial(read_tagged_objects, spans=True),
)
