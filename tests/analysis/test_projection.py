from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from elmo_tasks.analysis.projection import project, project_layers
from elmo_tasks.core.errors import InputError
from elmo_tasks.data.senses import Occurrence


def occurrences(senses: list[str | None]) -> list[Occurrence]:
    return [Occurrence((f"w{n}", "bark"), 1, "bark", sense) for n, sense in enumerate(senses)]


def apart(count: int = 12, width: int = 5) -> torch.Tensor:
    """Two groups by turns, around two directions."""
    centres = torch.eye(2, width).repeat(count // 2, 1)
    return centres * 4 + 0.3 * torch.randn(count, width, generator=torch.Generator().manual_seed(1))


def test_the_first_components_are_those_of_the_singular_values() -> None:
    vectors = apart()
    found = project(occurrences([None] * 12), vectors, "1")
    unit = torch.nn.functional.normalize(vectors.double(), dim=1).numpy()
    centred = unit - unit.mean(0)
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    np.testing.assert_allclose(np.abs(found.points), np.abs(left[:, :2] * values[:2]), atol=1e-9)
    assert found.explained == pytest.approx(tuple(values[:2] ** 2 / (values**2).sum()))


@pytest.mark.parametrize("clustering", ["kmeans", "agglomerative"])
def test_clusters_find_what_lies_apart(clustering: str) -> None:
    found = project(occurrences([None] * 12), apart(), "1", clustering=clustering)
    assert found.groups == ("cluster 1", "cluster 2") * 6
    assert found.agreement is None
    known = project(occurrences(["dog", "tree"] * 6), apart(), "1", clustering=clustering)
    assert known.groups == ("dog", "tree") * 6 and known.agreement == 1.0
    mixed = project(occurrences(["dog", "dog", "tree", "tree"] * 3), apart(), "1", clustering=clustering)
    assert mixed.agreement is not None and mixed.agreement < 0.1


@pytest.mark.parametrize("clustering", ["kmeans", "agglomerative"])
def test_a_static_vector_is_one_point(clustering: str) -> None:
    found = project(occurrences(["dog", "tree"] * 3), torch.ones(6, 4), "0", clustering=clustering)
    assert not found.points.any() and found.explained == (0.0, 0.0)
    assert found.agreement == pytest.approx(0, abs=0.3)


def test_each_layer_or_one(by_hand: type) -> None:
    vectors = {
        ("w0", "bark"): [[1.0, 0], [1, 0]],
        ("w1", "bark"): [[1.0, 0], [0, 1]],
        ("w2", "bark"): [[1.0, 0], [0, 2]],
    }
    embedder = by_hand(vectors)
    found = project_layers(embedder, occurrences([None] * 3))
    assert [one.layer for one in found] == ["0", "1"]
    assert found[1].groups == ("cluster 1", "cluster 2", "cluster 2")
    (average,) = project_layers(embedder, occurrences(["x", "y", "y"]), layer="average")
    assert average.layer == "average" and average.agreement == 1.0


def test_too_few() -> None:
    with pytest.raises(InputError, match="project: the word occurs only 2 times, but 3 or more occurrences are needed"):
        project(occurrences([None] * 2), torch.eye(2), "0")
    with pytest.raises(InputError, match="4 or more occurrences are needed; .* fewer --clusters"):
        project(occurrences([None] * 3), torch.eye(3), "0", clusters=4)


def test_umap_is_asked_for_no_more_neighbours_than_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, object] = {}

    class Umap:
        def __init__(self, **options: object) -> None:
            asked.update(options)

        def fit_transform(self, values: np.ndarray) -> np.ndarray:
            return values[:, :2]

    monkeypatch.setitem(sys.modules, "umap", SimpleNamespace(UMAP=Umap, __spec__="is there"))
    found = project(occurrences([None] * 4), torch.eye(4), "0", method="umap")
    assert asked["n_neighbors"] == 3 and asked["metric"] == "cosine"
    assert found.points.shape == (4, 2) and found.explained is None


def test_umap_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(InputError, match=r"--method umap needs the package umap-learn.*elmo-tasks\[umap\]"):
        project(occurrences([None] * 3), torch.eye(3), "0", method="umap")
