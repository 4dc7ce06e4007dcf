"""A scikit-learn transformer: texts in, one frozen ELMo vector a text out."""

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
_BLOCK = 256  # documents whose token vectors are in memory together
_LOADING = ForkSafeLock()


class ElmoVectorizer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """The mean of a text's token vectors, for pipelines and grid searches. There is nothing to fit.

    Examples:
        >>> vectors = ElmoVectorizer().fit_transform(["The cat sat .", ["Rain", "at", "noon"], ""])
        >>> vectors.shape, vectors.dtype
        ((3, 256), dtype('float32'))
        >>> bool(vectors[2].any())  # no tokens, no vector
        False

    Args:
        weights: a biLM's name, folder or files, as `load_bilm` takes them.
        layers: `average` of all layers, the number of one (0 is the token layer), or a weight for each, used as they
            are; a run's `metrics.json` has those that a task learned.
        cache: keep token vectors in `$ELMO_TASKS_CACHE`, 16 bits each, so that no text is ever embedded twice.
        precision: the arithmetic of the biLM: `auto` (`fast` where the machine has it), `fast`, `int8`, or `exact` for
            float32, whose vectors equal those of `ElmoEmbedder` to 1e-5.
        tokenizer: how texts are split into tokens: `whitespace`, or `raw` for the package's tokeniser.

    Threads may share a vectorizer. It can be pickled: a copy loads the biLM itself.

    Raises:
        InputError: no such biLM or layer, or documents that are neither texts nor lists of tokens.
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
        """Look at the settings and at `X`, and learn nothing.

        X: texts, which `tokenizer` splits, or lists of tokens; y: not looked at. A generator or an open file can
        be read only once, so it is left to `transform`.
        """
        if not isinstance(X, Iterator):
            token_lists(X, tokenizer=self.tokenizer)
        layer_weights(self.layers, self._elmo().n_layers)
        return self

    def transform(self, X: Iterable[Any]) -> NDArray[np.float32]:
        """(N, D) float32, one row per document, zero for one without tokens. X: as for `fit`, read once."""
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
        """Write the settings (JSON) and the biLM (safetensors) into a folder that needs nothing else. No pickle."""
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
        """Read what `save` wrote; the folder is the new vectorizer's `weights`.

        Raises:
            InputError: no such folder, another format, a broken file.
        """
        folder = Path(folder)
        path = folder / "vectorizer.json"
        if not path.is_file():
            raise InputError(f"{folder}: expected the folder of a saved ElmoVectorizer, found no vectorizer.json in it")
        stored = read_object(path)
        if stored.get("format") != FORMAT:
            raise InputError(f"{path}: expected format {FORMAT}, got another; save the vectorizer again")
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
        """How many names `get_feature_names_out` makes."""
        return self._elmo().width

    def __getstate__(self) -> dict[str, Any]:
        """A copy or a process of joblib's gets the settings, not the biLM, which it loads itself."""
        state: dict[str, Any] = super().__getstate__()
        return {name: value for name, value in state.items() if name != "_loaded"}

    def __sklearn_tags__(self) -> Any:
        """Texts are no table, and `transform` needs no `fit`."""
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.requires_fit = False
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        """Always."""
        return True
