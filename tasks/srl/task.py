"""Semantic role labelling: who did what to whom, as in Peters et al. 2018, section 4 (SRL).

The learned mix of all biLM layers, word vectors and an indicator of the predicate feed an alternating highway LSTM (He
et al. 2017); a softmax over BIO tags with Viterbi decoding labels the arguments of each predicate in turn. If
predicates are not marked, a BiLSTM tagger trained in the same run finds them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from elmo_tasks.core.settings import bounded
from elmo_tasks.data.marked import read_marked
from elmo_tasks.data.srl import read_srl
from elmo_tasks.metrics import RoleScores, count_arguments, score_roles
from elmo_tasks.task import Task
from elmo_tasks.text.described import describe_frames
from elmo_tasks.text.examples import TaggedSentence, untagged
from elmo_tasks.text.labels import LabelSet, span_types
from elmo_tasks.text.propositions import to_propositions
from elmo_tasks.text.results import frame_result

if TYPE_CHECKING:
    from elmo_tasks.nn.embedding_mix import EmbeddingMix
    from elmo_tasks.nn.role_labeller import RoleLabeller

Tags = tuple[str, ...]


@dataclass(frozen=True)
class Settings:
    """The role labeller and the predicate finder.

    hidden, layers: width and number of the labeller's layers.
    dropout, recurrent_dropout: on its input and output; variational dropout inside the LSTM.
    indicator: width of the predicate indicator (AllenNLP's default).
    finder_hidden: width of each direction of the finder.
    precision: precision of the labeller's matrix products; `auto` is bf16 if the processor supports it.
    """

    hidden: int = bounded(128, least=1)
    layers: int = bounded(4, least=1)
    dropout: float = bounded(0.1, least=0, below=1)
    recurrent_dropout: float = bounded(0.1, least=0, below=1)
    indicator: int = bounded(100, least=1)
    finder_hidden: int = bounded(64, least=1)
    precision: Literal["auto", "32", "bf16"] = "auto"


def parse(line: str, source: str) -> list[TaggedSentence]:
    """One example per marked predicate, or the sentence itself if the predicates are to be found.

    An example is a predicate with its BIO tags or, without `predicate`, the sentence with a tag B-V on each predicate.
    """
    tokens, marked = read_marked(line, source)
    return [TaggedSentence(tokens, ("O",) * len(tokens), at, source) for at in ((None,) if marked is None else marked)]


def follow(example: TaggedSentence, predicted: Tags) -> list[TaggedSentence]:
    """One example for each predicate found in a sentence."""
    found = [place for place, tag in enumerate(predicted) if tag == "B-V" and example.predicate is None]
    return [TaggedSentence(example.tokens, example.tags, place, example.source) for place in found]


def labels(train: Sequence[TaggedSentence]) -> LabelSet:
    """All BIO tags of the roles in the training data, and of V."""
    return LabelSet.of_types({*span_types(example.tags for example in train), "V"}, "BIO")


def build_model(mix: EmbeddingMix, known: LabelSet, model: Settings) -> RoleLabeller:
    """The highway LSTM and the predicate finder."""
    from elmo_tasks.nn.role_labeller import RoleLabeller

    return RoleLabeller(mix, known, **asdict(model))


def score(examples: Sequence[TaggedSentence], predicted: Sequence[Tags]) -> RoleScores:
    """Scores of the arguments of gold predicates, as in `srl-eval.pl`, and of the predicates found."""
    pairs = list(zip(examples, predicted, strict=True))
    framed = [(own.tags, tags) for own, tags in pairs if own.predicate is not None]
    plain = [(own.tags, tags) for own, tags in pairs if own.predicate is None]
    return score_roles(framed, plain)


def describe(line: str, examples: Sequence[TaggedSentence], predicted: Sequence[Tags]) -> dict[str, Any]:
    """`{"tokens", "frames"}`, with one frame per predicate."""
    tokens = read_marked(line).tokens
    found = zip((example.predicate for example in examples), predicted, strict=True)
    return describe_frames(tokens, [(at, tags) for at, tags in found if at is not None])


def record(examples: Sequence[TaggedSentence], predicted: Sequence[Tags]) -> str:
    """The predicted propositions in the format of `srl-eval.pl`."""
    return to_propositions(examples, predicted)


def gold(examples: Sequence[TaggedSentence]) -> str:
    """The gold propositions, with predicates named as in `record`, because the script compares these names too."""
    return record(examples, [example.tags for example in examples])


task = Task(
    name="srl",
    settings=Settings,
    headline="f1",
    default_data="sample-srl",
    read=read_srl,
    parse=parse,
    labels=labels,
    encode=lambda example, known: known.encode(example.tags, example.source),
    decode=lambda numbers, known: known.decode(numbers),
    build_model=build_model,
    score=score,
    count=lambda example, tags: count_arguments(example.tags, tags),  # none if only predicates are marked
    describe=describe,
    record=record,
    gold=gold,
    follow=follow,
    plain=untagged,
    result=frame_result,
)
