"""Coreference: which spans of a document mention the same entity? As in Peters et al. 2018, section 4.

The span-ranking model of Lee et al. 2017 (arXiv 1707.07045) reads word vectors and the learned mix of all biLM layers
instead of its own inputs: a BiLSTM per sentence, vectors of spans with attention to their heads, pruning, and for each
kept span the choice of an antecedent among the kept spans before it, or of none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from elmo_tasks.core.settings import bounded
from elmo_tasks.data.coreference import read_coreference, to_conll2012
from elmo_tasks.metrics import ClusterScores, Counts, ratios, score_clusters
from elmo_tasks.task import Task
from elmo_tasks.text.described import describe_clusters
from elmo_tasks.text.examples import Cluster, Document, unannotated
from elmo_tasks.text.labels import LabelSet
from elmo_tasks.text.results import cluster_result
from elmo_tasks.text.tokens import split_tokens

if TYPE_CHECKING:
    from elmo_tasks.nn.coreference import SpanRanker
    from elmo_tasks.nn.embedding_mix import EmbeddingMix

Clusters = tuple[Cluster, ...]


@dataclass(frozen=True)
class Settings:
    """The span-ranking model. The defaults are those of Lee et al. 2017, unless a line says otherwise.

    hidden, layers: width of each direction and number of layers of the BiLSTM.
    scorer_hidden: width of both hidden layers of the feed-forward networks.
    features: width of the learned vectors of width, distance, genre and speakers.
    max_width: length of the longest span that is considered, in tokens.
    spans_per_token: number of spans that are kept, relative to the number of tokens.
    antecedents: maximum number of candidates of a span; 250 in the paper, and 50 if they are chosen by `coarse`.
    coarse: choose the candidates by a bilinear score, as in Lee et al. 2018; otherwise the nearest ones, as in 2017.
    max_sentences: documents are cut to so many consecutive sentences in training, at random; 0 reads them whole.
    mentions: `found`, or `gold` to read the mentions of the data, in prediction too.
    mention_loss: weight of the loss of all spans as mentions; 0 in the paper.
    singletons: also predict entities that are mentioned once, for data that annotates them; needs `mention_loss`.
    dropout, embedding_dropout: on the output of the BiLSTM and in the feed-forward networks; on the inputs.
    """

    hidden: int = bounded(200, least=1)
    layers: int = bounded(1, least=1)
    scorer_hidden: int = bounded(150, least=1)
    features: int = bounded(20, least=1)
    max_width: int = bounded(10, least=1)
    spans_per_token: float = bounded(0.4, above=0)
    antecedents: int = bounded(50, least=1)
    coarse: bool = True
    max_sentences: int = bounded(50, least=0)
    mentions: Literal["found", "gold"] = "found"
    mention_loss: float = bounded(1.0, least=0)
    singletons: bool = False
    dropout: float = bounded(0.2, least=0, below=1)
    embedding_dropout: float = bounded(0.5, least=0, below=1)


def labels(train: Sequence[Document]) -> LabelSet:
    """The genres of the training documents. Others are read as an unknown genre."""
    return LabelSet.of_classes(document.genre for document in train if document.genre)


def encode(document: Document, known: LabelSet) -> list[list[int]]:
    """Start, stop and cluster (from 1) of each mention; a row of zeros if there are none."""
    return [[*mention, number] for number, own in enumerate(document.clusters, 1) for mention in own] or [[0, 0, 0]]


def given(document: Document) -> dict[str, Any]:
    """The genre, the number of each token's speaker (0 if unknown), and the gold mentions (None without gold)."""
    numbers = {"": 0}
    speakers = [numbers.setdefault(speaker, len(numbers)) for speaker in document.speakers]
    mentions = sorted({mention for cluster in document.clusters for mention in cluster})
    return {"genre": document.genre, "speakers": speakers, "mentions": mentions if document.annotated else None}


def build_model(mix: EmbeddingMix, known: LabelSet, model: Settings) -> SpanRanker:
    """The span-ranking model."""
    from elmo_tasks.nn.coreference import SpanRanker

    return SpanRanker(mix, known, **asdict(model))


def score(documents: Sequence[Document], predicted: Sequence[Clusters]) -> ClusterScores:
    """MUC, B3, CEAF-phi4 and their mean; the scores of GAP if these are its documents."""
    gold = [document.clusters for document in documents]
    return score_clusters(gold, predicted, [document.case for document in documents])


def count(document: Document, predicted: Clusters) -> Counts:
    """Count the mentions, which are right if gold has the same range."""
    ours, theirs = ({mention for cluster in own for mention in cluster} for own in (document.clusters, predicted))
    return Counts(gold=len(ours), predicted=len(theirs), correct=len(ours & theirs))


task = Task(
    name="coreference",
    settings=Settings,
    headline="conll",
    default_data="sample-coreference",
    read=read_coreference,
    parse=lambda line, source: [unannotated((split_tokens(line),), source)],
    labels=labels,
    encode=encode,
    given=given,
    decode=lambda clusters, known: tuple(sorted(tuple(sorted(cluster)) for cluster in clusters)),
    build_model=build_model,
    score=score,
    count=count,
    ratios=lambda document, predicted: ratios(document.clusters, predicted),
    describe=lambda lines, documents, predicted: describe_clusters(documents[0].sentences, predicted[0]),
    record=to_conll2012,
    gold=lambda documents: to_conll2012(documents, [each.clusters for each in documents]),
    document=unannotated,
    result=cluster_result,
)
