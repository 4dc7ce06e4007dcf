"""Project all occurrences of a word into two dimensions, by sense or by cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from elmo_tasks.analysis.occurrences import occurrence_vectors, weights_of_layer
from elmo_tasks.core.errors import InputError
from elmo_tasks.data.senses import Occurrence
from elmo_tasks.embedders.protocol import Embedder


@dataclass(frozen=True)
class Projection:
    """The projection of one layer.

    points: (N, 2); explained: the fraction of variance of both components (PCA); groups: the sense or cluster of each
    occurrence; agreement: adjusted Rand index of clusters and senses, if the senses are known.
    """

    layer: str
    points: NDArray[np.float64]
    explained: tuple[float, float] | None
    groups: tuple[str, ...]
    agreement: float | None


def project_layers(
    embedder: Embedder,
    occurrences: Sequence[Occurrence],
    *,
    layer: str | None = None,
    method: str = "pca",
    clustering: str = "kmeans",
    clusters: int | None = None,
) -> list[Projection]:
    """Project every layer, or only `layer` (see `weights_of_layer`).

    clusters: by default the number of senses, or 2 if the senses are not known.

    Raises:
        InputError: as `project` and `weights_of_layer`.
    """
    chosen = [layer] if layer is not None else [str(number) for number in range(embedder.n_layers)]
    weights = {name: weights_of_layer(name, embedder.n_layers) for name in chosen}
    senses = {occurrence.sense for occurrence in occurrences}
    count = clusters or (2 if None in senses else len(senses))
    vectors = occurrence_vectors(embedder, occurrences)  # (N, L, D)
    return [
        project(
            occurrences,
            torch.einsum("nld,l->nd", vectors, weight),
            name,
            method=method,
            clustering=clustering,
            clusters=count,
        )
        for name, weight in weights.items()
    ]


def project(
    occurrences: Sequence[Occurrence],
    vectors: Tensor,
    layer: str,
    *,
    method: str = "pca",
    clustering: str = "kmeans",
    clusters: int = 2,
) -> Projection:
    """Project the vectors of the occurrences in one layer, (N, D), into two dimensions.

    Groups are the senses if all occurrences have one, else `clusters` clusters of the full vectors, normalised to
    length 1 so that Euclidean distances have the same order as cosines.

    Raises:
        InputError: there are fewer than three occurrences or fewer than clusters, or UMAP is requested but not
            installed.
    """
    if len(occurrences) < max(3, clusters):
        raise InputError(
            f"project: the word occurs only {len(occurrences)} times, but {max(3, clusters)} or more occurrences are "
            "needed; give a larger file or fewer --clusters"
        )
    unit = _unit(vectors)
    points, explained = _pca(unit) if method == "pca" else (_umap(unit), None)
    found = _cluster(unit, clustering, clusters)
    senses = [occurrence.sense for occurrence in occurrences]
    if any(sense is None for sense in senses):
        return Projection(layer, points, explained, tuple(f"cluster {number + 1}" for number in found), None)
    from sklearn.metrics import adjusted_rand_score

    agreement = float(adjusted_rand_score(senses, found))
    return Projection(layer, points, explained, tuple(map(str, senses)), agreement)


def _unit(vectors: Tensor) -> NDArray[np.float64]:
    values: NDArray[np.float64] = vectors.double().numpy()
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    return np.asarray(values / np.maximum(lengths, 1e-12))


def _pca(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], tuple[float, float]]:
    """(N, 2) and the fractions of variance; all 0 if the vectors are equal, as for static ones."""
    from sklearn.decomposition import PCA

    total = float(values.var(0).sum())
    if total < 1e-10:
        return np.zeros((len(values), 2)), (0.0, 0.0)
    fitted = PCA(n_components=2, svd_solver="full").fit(values)
    first, second = (fitted.explained_variance_ / (total * len(values) / (len(values) - 1))).tolist()
    return np.asarray(fitted.transform(values)), (first, second)


def check_method(method: str) -> None:
    """Raises InputError for `umap` if its package is not installed."""
    if method == "umap" and find_spec("umap") is None:
        raise InputError(
            "--method umap needs the package umap-learn, which is not installed; install it with "
            "`pip install 'elmo-tasks[umap]'` or choose --method pca"
        )


def _umap(values: NDArray[np.float64]) -> NDArray[np.float64]:
    check_method("umap")
    from umap import UMAP

    # Random initialisation, because the spectral one needs more points than a rare word has; seeded for repeatability.
    neighbours = min(15, len(values) - 1)
    made: Any = UMAP(n_neighbors=neighbours, metric="cosine", init="random", random_state=1, n_jobs=1)
    return np.asarray(made.fit_transform(values), dtype=np.float64)


def _cluster(values: NDArray[np.float64], clustering: str, clusters: int) -> list[int]:
    """The cluster number of each occurrence, numbered in the order in which clusters first occur."""
    from sklearn.cluster import AgglomerativeClustering, KMeans

    distinct = len(np.unique(values.round(6), axis=0))
    kinds: dict[str, Any] = {
        "kmeans": lambda: KMeans(min(clusters, distinct), n_init=10, random_state=1),
        "agglomerative": lambda: AgglomerativeClustering(clusters, metric="cosine", linkage="average"),
    }
    raw = kinds[clustering]().fit_predict(values).tolist()
    order = {number: place for place, number in enumerate(dict.fromkeys(raw))}
    return [order[number] for number in raw]
