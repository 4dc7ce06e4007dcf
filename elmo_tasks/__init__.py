"""Downstream tasks on frozen ELMo embeddings, and pre-training of the underlying biLMs.

Everything in `__all__` is public: it keeps its name and arguments from one minor version to the next. Names are
imported when they are first used, so that `import elmo_tasks` itself loads neither torch nor scikit-learn.

Examples:
    >>> import elmo_tasks
    >>> engine = elmo_tasks.Engine(elmo_tasks.load_bilm())
    >>> [vectors] = engine.embed([["The", "dog", "barked", "."]])
    >>> tuple(vectors.shape)  # layers, tokens, width
    (3, 4, 256)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from elmo_tasks.core.errors import InputError
    from elmo_tasks.data.catalog import load_data
    from elmo_tasks.elmo.allennlp import Elmo, ElmoEmbedder
    from elmo_tasks.elmo.bilm import BiLM
    from elmo_tasks.elmo.characters import batch_to_ids
    from elmo_tasks.elmo.engine import Engine
    from elmo_tasks.elmo.options import BilmOptions
    from elmo_tasks.elmo.scalar_mix import ScalarMix
    from elmo_tasks.elmo.weights.resolve import load_bilm
    from elmo_tasks.embedders.frozen import embed_batch, frozen_embedder
    from elmo_tasks.embedders.protocol import Embedder
    from elmo_tasks.integrations.sklearn.classifier import ElmoClassifier
    from elmo_tasks.integrations.sklearn.pair_classifier import ElmoPairClassifier
    from elmo_tasks.integrations.sklearn.tagger import ElmoTagger
    from elmo_tasks.integrations.sklearn.vectorizer import ElmoVectorizer
    from elmo_tasks.metrics.counts import Counts, Ratio
    from elmo_tasks.nn.batch import Batch
    from elmo_tasks.nn.embedding_mix import EmbeddingMix
    from elmo_tasks.runs.evaluate import evaluate
    from elmo_tasks.runs.experiment import Experiment, resolve_experiment
    from elmo_tasks.runs.hub import push_to_hub
    from elmo_tasks.runs.predict import predict
    from elmo_tasks.runs.run import Run, load
    from elmo_tasks.runs.store import Trained
    from elmo_tasks.task import Task, load_task
    from elmo_tasks.text.examples import Document, LabelledSentence, SentencePair, TaggedSentence
    from elmo_tasks.text.labels import LabelSet
    from elmo_tasks.text.results import (
        Argument,
        ClusterMention,
        ClusterResult,
        Entity,
        EntityResult,
        Frame,
        FrameResult,
        LabelResult,
        OtherResult,
        PairResult,
        Result,
        Tag,
        TagResult,
    )
    from elmo_tasks.text.tokeniser import Sentence, Token, split_text
    from elmo_tasks.training.from_python import train

__version__ = "0.1.0"

__all__ = [
    "Argument",
    "Batch",
    "BiLM",
    "BilmOptions",
    "ClusterMention",
    "ClusterResult",
    "Counts",
    "Document",
    "Elmo",
    "ElmoClassifier",
    "ElmoEmbedder",
    "ElmoPairClassifier",
    "ElmoTagger",
    "ElmoVectorizer",
    "Embedder",
    "EmbeddingMix",
    "Engine",
    "Entity",
    "EntityResult",
    "Experiment",
    "Frame",
    "FrameResult",
    "InputError",
    "LabelResult",
    "LabelSet",
    "LabelledSentence",
    "OtherResult",
    "PairResult",
    "Ratio",
    "Result",
    "Run",
    "ScalarMix",
    "Sentence",
    "SentencePair",
    "Tag",
    "TagResult",
    "TaggedSentence",
    "Task",
    "Token",
    "Trained",
    "batch_to_ids",
    "embed_batch",
    "evaluate",
    "frozen_embedder",
    "load",
    "load_bilm",
    "load_data",
    "load_task",
    "predict",
    "push_to_hub",
    "resolve_experiment",
    "split_text",
    "train",
]

# Where each public name is defined: `module`, or `module:name` if its name there differs.
_HOMES = {
    "Argument": "text.results",
    "Batch": "nn.batch",
    "BiLM": "elmo.bilm",
    "BilmOptions": "elmo.options",
    "ClusterMention": "text.results",
    "ClusterResult": "text.results",
    "Counts": "metrics.counts",
    "Document": "text.examples",
    "Elmo": "elmo.allennlp",
    "ElmoClassifier": "integrations.sklearn.classifier",
    "ElmoEmbedder": "elmo.allennlp",
    "ElmoPairClassifier": "integrations.sklearn.pair_classifier",
    "ElmoTagger": "integrations.sklearn.tagger",
    "ElmoVectorizer": "integrations.sklearn.vectorizer",
    "Embedder": "embedders.protocol",
    "EmbeddingMix": "nn.embedding_mix",
    "Engine": "elmo.engine",
    "Entity": "text.results",
    "EntityResult": "text.results",
    "Experiment": "runs.experiment",
    "Frame": "text.results",
    "FrameResult": "text.results",
    "InputError": "core.errors",
    "LabelResult": "text.results",
    "LabelSet": "text.labels",
    "LabelledSentence": "text.examples",
    "OtherResult": "text.results",
    "PairResult": "text.results",
    "Ratio": "metrics.counts",
    "Result": "text.results",
    "Run": "runs.run",
    "ScalarMix": "elmo.scalar_mix",
    "Sentence": "text.tokeniser",
    "SentencePair": "text.examples",
    "Tag": "text.results",
    "TagResult": "text.results",
    "TaggedSentence": "text.examples",
    "Task": "task",
    "Token": "text.tokeniser",
    "Trained": "runs.store",
    "batch_to_ids": "elmo.characters",
    "embed_batch": "embedders.frozen",
    "evaluate": "runs.evaluate",
    "frozen_embedder": "embedders.frozen",
    "load": "runs.run",
    "load_bilm": "elmo.weights.resolve",
    "load_data": "data.catalog",
    "load_task": "task",
    "predict": "runs.predict",
    "push_to_hub": "runs.hub",
    "resolve_experiment": "runs.experiment",
    "split_text": "text.tokeniser",
    "train": "training.from_python",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, other = home.partition(":")
    value = globals()[name] = getattr(import_module(f"{__name__}.{module}"), other or name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
