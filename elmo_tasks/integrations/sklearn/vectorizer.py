"""A scikit-learn transformer that maps each text to one frozen ELMo vector."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.files import disk_faults, read_object, write_json
from elmo_tasks.core.fork_safe_lock import ForkSafeLock
from elmo_tasks.core.paths import cache_root
from elmo_tasks.embedders.cache.cached import CachedEmbedder
from elmo_tasks.embedders.elmo import BilmEmbedder
from elmo_tasks.embedders.layer_weights import layer_weights
from elmo_tasks.embedders.protocol import Embedder
from elmo_tasks.integrations.sklearn.token_lists import token_lists

FORMAT = "elmo-tasks-vectorizer-1"
_BLOCK = 256  # number of documents whose token vectors are in memory together
_LOADING = ForkSafeLock()


class ElmoVectorizer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Computes the mean of the token vectors of a text, for pipelines and grid searches. There is nothing to fit.

    Examples:
        >>> vectors = ElmoVectorizer().fit_transform(["The cat sat .", ["Rain", "at", "noon"], ""])
        >>> vectors.shape, vectors.dtype
        ((3, 256), dtype('float32'))
        >>> bool(vectors[2].any())  # no tokens, no vector
        False

    Args:
        weights: the name, folder or files of a biLM, as for `load_bilm`.
        layers: `average` of all layers, the number of one (0 is the token layer), or one weight per layer, not
            normalised; the `metrics.json` of a run has the weights learned by a task.
        cache: keep token vectors in `$ELMO_TASKS_CACHE`, in 16 bits, so that no text is ever embedded twice.
        precision: the arithmetic of the biLM: `auto` (`fast` if supported), `fast`, `int8`, or `exact` for float32,
            whose vectors equal those of `ElmoEmbedder` to 1e-5.
        tokenizer: how texts are split into tokens: `whitespace`, or `raw` for the package's tokeniser.

    Threads may share a vectorizer. It can be pickled; copies load the biLM themselves.

    Raises:
        InputError: the biLM or layer does not exist, or documents are neither texts nor lists of tokens.
    """

    def __init__(
        self,
        weights: str = "default",
        *,
        layers: str | int | Sequence[float] = "average",
        cache: bool = False,
        precision: str = "auto",
        tokenizer: str = "whitespace",
    ) -> None:
        self.weights = weights
        self.layers = layers
        self.cache = cache
        self.precision = precision
        self.tokenizer = tokenizer

    def fit(self, X: Iterable[Any], y: object = None) -> ElmoVectorizer:
        """Check the settings and `X`, without learning anything.

        X: texts, which `tokenizer` splits, or lists of tokens; y: ignored. A generator or an open file can be read only
        once, so it is not checked here.
        """
        if not isinstance(X, Iterator):
            token_lists(X, tokenizer=self.tokenizer)
        layer_weights(self.layers, self._elmo().n_layers)
        return self

    def transform(self, X: Iterable[Any]) -> NDArray[np.float32]:
        """(N, D) float32, one row per document, zero for documents without tokens. X: as for `fit`, read once."""
        embedder = self._embedder()
        weights = layer_weights(self.layers, embedder.n_layers)
        documents = token_lists(X, tokenizer=self.tokenizer)
        rows = np.zeros((len(documents), embedder.width), np.float32)
        for start in range(0, len(documents), _BLOCK):
            block = documents[start : start + _BLOCK]
            for row, layers in enumerate(embedder.embed(block), start):  # (L, T, D)
                if layers.shape[1]:
                    rows[row] = weights @ layers.mean(dim=1).numpy()  # (D,)
        return rows

    def save(self, folder: str | Path) -> None:
        """Write the settings (JSON) and the biLM (safetensors) into a self-contained folder. No pickle."""
        from elmo_tasks.elmo import load_bilm
        from elmo_tasks.elmo.weights.safetensors import write_safetensors

        folder = Path(folder)
        layers = self.layers if isinstance(self.layers, (str, int)) else [float(weight) for weight in self.layers]
        with disk_faults(folder):
            folder.mkdir(parents=True, exist_ok=True)
            write_safetensors(load_bilm(self._elmo().weights), folder / "bilm.safetensors")
        write_json(
            folder / "vectorizer.json",
            {
                "format": FORMAT,
                "layers": layers,
                "cache": self.cache,
                "precision": self.precision,
                "tokenizer": self.tokenizer,
            },
        )

    @classmethod
    def load(cls, folder: str | Path) -> ElmoVectorizer:
        """Load a folder written by `save`, which becomes the `weights` of the new vectorizer.

        Raises:
            InputError: the folder does not exist, its format is unknown, or a file is damaged.
        """
        folder = Path(folder)
        path = folder / "vectorizer.json"
        if not path.is_file():
            raise InputError(f"{folder}: not the folder of a saved ElmoVectorizer: it has no vectorizer.json")
        stored = read_object(path)
        if stored.get("format") != FORMAT:
            raise InputError(f"{path}: the format is not {FORMAT}; save the vectorizer again")
        settings = {name: stored[name] for name in ("layers", "cache", "precision", "tokenizer") if name in stored}
        return cls(str(folder), **settings)

    def _elmo(self) -> BilmEmbedder:
        """The biLM of `weights` in `precision`, loaded once."""
        wanted = (self.weights, self.precision)
        with _LOADING:
            known, loaded = self.__dict__.get("_loaded", (None, None))
            if known != wanted:
                loaded = BilmEmbedder(self.weights, precision=self.precision)
                self._loaded = (wanted, loaded)
        found: BilmEmbedder = loaded
        return found

    def _embedder(self) -> Embedder:
        return CachedEmbedder(self._elmo(), cache_root() / "vectors") if self.cache else self._elmo()

    @property
    def _n_features_out(self) -> int:
        """The number of features, for `get_feature_names_out`."""
        return self._elmo().width

    def __getstate__(self) -> dict[str, Any]:
        """Copies and joblib processes get only the settings and load the biLM themselves."""
        state: dict[str, Any] = super().__getstate__()
        return {name: value for name, value in state.items() if name != "_loaded"}

    def __sklearn_tags__(self) -> Any:
        """Tags that declare texts as input, not a table, and that `transform` does not require `fit`."""
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.requires_fit = False
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        """Always True."""
        return True
