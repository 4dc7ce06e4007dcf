"""The pipeline component `elmo`: contextual vectors for docs, spans and tokens.

Examples:
    >>> import spacy
    >>> nlp = spacy.blank("en")
    >>> _ = nlp.add_pipe("elmo", config={"layers": 2})
    >>> night, tree = nlp("My dog began to bark."), nlp("The bark of the oak is rough.")
    >>> night.tensor.shape, night.vector.shape, night[4].vector.shape
    ((6, 256), (256,), (256,))
    >>> night[4].similarity(tree[1]) < night[4].similarity(night[4])
    True
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc, Span, Token
from spacy.util import minibatch

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.fork_safe_lock import ForkSafeLock
from elmo_tasks.elmo.weights.resolve import KNOWN_NAMES, load_bilm
from elmo_tasks.elmo.weights.safetensors import write_safetensors
from elmo_tasks.embedders.elmo import BilmEmbedder
from elmo_tasks.embedders.layer_weights import layer_weights
from elmo_tasks.integrations.spacy.sentences import sentence_positions

Vector = NDArray[np.float32]

WEIGHTS = "bilm.safetensors"
DEFAULTS: dict[str, Any] = {"weights": "default", "layers": "average", "precision": "auto"}
_LOADING = ForkSafeLock()


@Language.factory("elmo", assigns=["doc.tensor"], default_config=DEFAULTS)
def make_elmo(nlp: Language, name: str, weights: str, layers: Any, precision: str) -> ElmoVectors:
    """Make the component; `weights`, `layers` and `precision` as for `ElmoVectors`."""
    return ElmoVectors(weights, layers, precision)


class ElmoVectors:
    """Sets `doc.tensor`, (T, D) float32, and the vectors, norms and similarities of doc, spans and tokens.

    The vector of a doc or span is the mean of its tokens; white-space tokens have none. If an earlier component has set
    sentence boundaries, each sentence is embedded separately, otherwise the doc as a whole.

    Args:
        weights: the name, folder or files of a biLM, as for `load_bilm`; loaded at the first doc.
        layers: `average` of all layers, the number of one, or one weight per layer.
        precision: the arithmetic of the biLM: `auto` (`fast` if supported), `fast`, `int8`, or `exact` for float32,
            whose vectors equal those of `ElmoEmbedder` to 1e-5.

    Threads may share a component, and `nlp.pipe(..., n_process=2)` works with forked and spawned processes; a spawned
    one loads the biLM itself. spaCy returns their docs without hooks: call `set_hooks` on them.
    """

    def __init__(
        self, weights: str = "default", layers: str | int | Sequence[float] = "average", precision: str = "auto"
    ) -> None:
        self.weights, self.layers, self.precision = weights, layers, precision
        self._embedder: BilmEmbedder | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Processes get the settings, not the biLM."""
        return self.__dict__ | {"_embedder": None}

    def __call__(self, doc: Doc) -> Doc:
        """Embed one doc."""
        return next(self.pipe([doc]))

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 64) -> Iterator[Doc]:
        """Embed docs, `batch_size` at a time."""
        for docs in minibatch(stream, size=batch_size):  # type: ignore[no-untyped-call]
            embedder = self._load()
            weights = layer_weights(self.layers, embedder.n_layers)
            places = [(doc, positions) for doc in docs for positions in sentence_positions(doc)]
            vectors = iter(embedder.embed([[doc[i].text for i in positions] for doc, positions in places]))
            for doc in docs:
                doc.tensor = np.zeros((len(doc), embedder.width), np.float32)
                set_hooks(doc)
            for doc, positions in places:
                doc.tensor[positions] = np.einsum("l,ltd->td", weights, next(vectors).numpy())  # (T, D)
            yield from docs

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Write the biLM, unless its name works everywhere; spaCy itself stores the settings."""
        if self.weights not in KNOWN_NAMES:
            write_safetensors(load_bilm(self.weights), Path(path) / WEIGHTS)

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> ElmoVectors:
        """Load the biLM written by `to_disk`, if there is one."""
        if (Path(path) / WEIGHTS).is_file():
            self.weights, self._embedder = str(Path(path) / WEIGHTS), None
        return self

    def _load(self) -> BilmEmbedder:
        with _LOADING:
            if self._embedder is None:
                self._embedder = BilmEmbedder(self.weights, precision=self.precision)
            return self._embedder


def set_hooks(doc: Doc) -> Doc:
    """Make the vectors of a doc, its spans and tokens use `doc.tensor`.

    The component does this itself; docs that were stored and loaded need it again, because spaCy does not store hooks.
    """
    hooks: dict[str, Callable[..., Any]] = {"vector": _mean, "has_vector": _has_vector, "similarity": _similarity}
    doc.user_span_hooks.update(hooks)  # without a norm: spaCy 3.8 uses the hook `vector` if it is set
    doc.user_hooks.update(hooks | {"vector_norm": _norm})
    doc.user_token_hooks.update(hooks | {"vector": _row, "vector_norm": _norm})
    return doc


def _row(token: Token) -> Vector:
    """The vector of a token, (D,)."""
    row: Vector = token.doc.tensor[token.i]
    return row


def _mean(tokens: Doc | Span) -> Vector:
    """The mean over all tokens that are not white space, (D,)."""
    doc = tokens if isinstance(tokens, Doc) else tokens.doc
    positions = [token.i for token in tokens if not token.is_space]
    if not positions:
        return np.zeros(doc.tensor.shape[1], np.float32)
    mean: Vector = doc.tensor[positions].mean(axis=0)
    return mean


def _norm(thing: Doc | Span | Token) -> float:
    return float(np.linalg.norm(np.asarray(thing.vector)))


def _has_vector(thing: Doc | Span | Token) -> bool:
    return bool(thing.vector.any())


def _similarity(thing: Doc | Span | Token, other: Any) -> float:
    """The cosine, 0 if one has no vector. Raises InputError for something not processed by this component."""
    first, second = np.asarray(thing.vector), np.asarray(other.vector)
    if first.shape != second.shape:
        raise InputError(
            f"similarity: the vectors have different widths, {len(first)} and {len(second)}; process both with the "
            "same pipeline"
        )
    norms = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float(first @ second) / norms if norms else 0.0
