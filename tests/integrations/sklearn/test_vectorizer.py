"""`ElmoVectorizer`, against the embedder, and as a transformer in pipelines and searches."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.validation import check_is_fitted

from elmo_tasks.core.errors import InputError
from elmo_tasks.elmo import ElmoEmbedder
from elmo_tasks.elmo.bilm import BiLM
from elmo_tasks.embedders.elmo import BilmEmbedder
from elmo_tasks.integrations.sklearn import ElmoVectorizer

TEXTS = ["a warm film", "cold and dull", "warm , so warm", "dull", "a clever film", "the dull and the cold"]
LABELS = [1, 0, 1, 0, 1, 0]


@pytest.mark.parametrize(("layers", "mix"), [("average", (1 / 3,) * 3), (1, (0, 1, 0)), ((0.5, 2.0, -1.0),) * 2])
def test_a_mean_of_token_vectors(weights: str, layers: str, mix: tuple[float, ...]) -> None:
    found = ElmoVectorizer(weights, layers=layers).fit_transform(TEXTS)
    expected = []
    for vectors in BilmEmbedder(weights).embed([text.split() for text in TEXTS]):
        tokens = sum(weight * layer for weight, layer in zip(mix, vectors.numpy(), strict=True))
        expected.append(np.mean(tokens, axis=0))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_texts_token_lists_columns_and_nothing(weights: str) -> None:
    vectorizer = ElmoVectorizer(weights)
    expected = vectorizer.transform(TEXTS)
    for documents in ([t.split() for t in TEXTS], np.array(TEXTS), pd.Series(TEXTS), (t for t in TEXTS)):
        np.testing.assert_array_equal(vectorizer.transform(documents), expected)
    assert not vectorizer.transform(["", [], "  "]).any()
    assert vectorizer.transform([]).shape == (0, 12)


def test_many_documents_in_blocks(weights: str) -> None:
    many = ElmoVectorizer(weights).transform(TEXTS * 60)
    np.testing.assert_allclose(many, np.tile(ElmoVectorizer(weights).transform(TEXTS), (60, 1)), atol=1e-6)


@pytest.mark.usefixtures("exact_arithmetic")
def test_order_subsets_and_repetition_change_nothing(weights: str) -> None:
    vectorizer = ElmoVectorizer(weights)
    expected = vectorizer.fit_transform(TEXTS)
    np.testing.assert_allclose(vectorizer.transform(TEXTS[::-1])[::-1], expected, atol=1e-6)
    np.testing.assert_allclose(np.vstack([vectorizer.transform([text]) for text in TEXTS]), expected, atol=1e-6)
    np.testing.assert_array_equal(vectorizer.fit(TEXTS).fit(TEXTS[:1]).transform(TEXTS), expected)
    check_is_fitted(ElmoVectorizer(weights))


def test_copies_hold_settings_and_no_biLM(weights: str) -> None:
    vectorizer = ElmoVectorizer(weights, layers=2)
    expected = vectorizer.transform(TEXTS)
    data = pickle.dumps(vectorizer)
    assert len(data) < 1000
    np.testing.assert_array_equal(pickle.loads(data).transform(TEXTS), expected)
    np.testing.assert_array_equal(clone(vectorizer).transform(TEXTS), expected)


def test_in_a_pipeline_and_a_grid_search(weights: str) -> None:
    pipeline = make_pipeline(ElmoVectorizer(weights), LogisticRegression())
    grid = {"elmovectorizer__layers": [0, 1, 2, "average"], "logisticregression__C": [1.0, 100.0]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(TEXTS, LABELS)
    assert len(search.cv_results_["params"]) == 8
    assert search.best_estimator_.score(TEXTS, LABELS) >= 0.5


def test_names_of_features_and_pandas(weights: str) -> None:
    frame = ElmoVectorizer(weights).set_output(transform="pandas").fit_transform(pd.Series(TEXTS, index=range(5, 11)))
    assert list(frame.columns)[:2] == ["elmovectorizer0", "elmovectorizer1"] and frame.shape == (6, 12)
    table = pd.DataFrame({"text": TEXTS, "year": range(6)})
    columns = make_column_transformer((ElmoVectorizer(weights), "text"), ("passthrough", ["year"]))
    assert columns.fit_transform(table).shape == (6, 13)


def test_set_params_takes_another_biLM(weights: str, tmp_path: Path) -> None:
    vectorizer = ElmoVectorizer(weights)
    vectorizer.save(tmp_path / "saved")
    before = vectorizer.transform(TEXTS)
    vectorizer.set_params(weights="default")
    assert vectorizer.transform(TEXTS).shape == (6, 256)
    np.testing.assert_array_equal(vectorizer.set_params(weights=str(tmp_path / "saved")).transform(TEXTS), before)


def test_the_cache_spares_the_biLM(weights: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = ElmoVectorizer(weights).transform(TEXTS)
    cold = ElmoVectorizer(weights, cache=True).transform(TEXTS)
    np.testing.assert_allclose(cold, plain, atol=1e-2)

    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("the biLM ran again over what the cache holds")

    monkeypatch.setattr(BiLM, "forward", forbidden)
    np.testing.assert_array_equal(ElmoVectorizer(weights, cache=True).transform(TEXTS), cold)


def test_save_and_load_need_nothing_else_and_hold_no_pickle(weights: str, tmp_path: Path) -> None:
    vectorizer = ElmoVectorizer(weights, layers=(0.2, 0.3, 0.5))
    vectorizer.save(tmp_path / "saved")
    expected = vectorizer.transform(TEXTS)
    Path(weights).unlink()
    again = ElmoVectorizer.load(tmp_path / "saved")
    np.testing.assert_array_equal(again.transform(TEXTS), expected)
    assert {path.name for path in (tmp_path / "saved").iterdir()} == {"bilm.safetensors", "vectorizer.json"}
    again.save(tmp_path / "saved")  # over itself
    np.testing.assert_array_equal(ElmoVectorizer.load(tmp_path / "saved").transform(TEXTS), expected)


@pytest.mark.parametrize(
    ("documents", "message"),
    [
        ("one text", "X must be a list of texts or of token lists, not one str"),
        ([["a"], 3], r"X\[1\]: must be a text or a list of tokens, not 3"),
        ([["a", None]], r"X\[0\]: must be a text or a list of tokens"),
        (["a", b"b"], r"X\[1\]: must be a text or a list of tokens, not b'b'"),
        (np.zeros((3, 2)), r"X must be one column of texts, not an array of shape \(3, 2\)"),
        (pd.DataFrame({"text": TEXTS}), r"not an array of shape \(6, 1\); pass the column"),
        (pd.Series(["a", float("nan")]), r"X\[1\]: must be a text or a list of tokens, not nan"),
    ],
)
def test_faulty_documents(weights: str, documents: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        ElmoVectorizer(weights).fit(documents)  # type: ignore[arg-type]


@pytest.mark.parametrize("layers", ["top", 3, -1, [1.0, 2.0]])
def test_faulty_layers(weights: str, layers: object) -> None:
    with pytest.raises(InputError, match="layers must be average, a layer from 0 to 2 or 3 weights, not"):
        ElmoVectorizer(weights, layers=layers).fit(TEXTS)  # type: ignore[arg-type]


def test_faulty_folders(weights: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not the folder of a saved ElmoVectorizer: it has no vectorizer.json"):
        ElmoVectorizer.load(tmp_path)
    (tmp_path / "vectorizer.json").write_text("[]")
    with pytest.raises(InputError, match="vectorizer.json: damaged: must be a JSON object, not list"):
        ElmoVectorizer.load(tmp_path)
    (tmp_path / "vectorizer.json").write_text("{}")
    with pytest.raises(InputError, match="the format is not elmo-tasks-vectorizer-1"):
        ElmoVectorizer.load(tmp_path)


def test_a_generator_or_a_file_is_read_once(weights: str, tmp_path: Path) -> None:
    texts = ["Rain at noon", "The dog barked", ""]
    expected = ElmoVectorizer(weights).transform(texts)
    (tmp_path / "texts.txt").write_text("\n".join(texts) + "\n")
    assert np.array_equal(ElmoVectorizer(weights).fit_transform(text for text in texts), expected)
    with (tmp_path / "texts.txt").open() as file:
        assert np.array_equal(ElmoVectorizer(weights).fit_transform(file), expected)
        with pytest.raises(InputError, match="X: the TextIOWrapper has no documents left, as it can be read only once"):
            ElmoVectorizer(weights).transform(file)
    documents = (text for text in texts)
    assert np.array_equal(ElmoVectorizer(weights).fit(documents).transform(documents), expected)
    assert ElmoVectorizer(weights).transform([]).shape == (0, 12)


def test_exact_vectors_are_those_of_the_embedder(weights: str) -> None:
    tokens = ["Rain", "fell", "at", "noon"]
    layers = ElmoEmbedder.from_pretrained(weights).embed_sentence(tokens)  # (L, T, D)
    found = ElmoVectorizer(weights, precision="exact").transform([tokens])
    np.testing.assert_allclose(found[0], layers.mean(axis=(0, 1)), rtol=0, atol=1e-5)
    vectorizer = ElmoVectorizer(weights, precision="exact")
    assert vectorizer._elmo().engine.precision == "exact"
    assert vectorizer.set_params(precision="int8")._elmo().engine.precision == "int8"
    with pytest.raises(InputError, match="elmo.precision must be one of exact, fast, int8, auto, not 'half'"):
        ElmoVectorizer(weights, precision="half").fit(["a"])


def test_the_precision_is_saved(weights: str, tmp_path: Path) -> None:
    ElmoVectorizer(weights, precision="exact").save(tmp_path / "saved")
    assert ElmoVectorizer.load(tmp_path / "saved").precision == "exact"


def test_threads_share_a_vectorizer(weights: str) -> None:
    shared = ElmoVectorizer(weights, precision="exact")
    texts = [[f"w{number * step % 91} of w{number}" for number in range(60)] for step in range(1, 9)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda given: [shared.transform([text])[0] for text in given], texts))
    for given, vectors in zip(texts, found, strict=True):
        expected = ElmoVectorizer(weights, precision="exact").transform(given)
        np.testing.assert_allclose(vectors, expected, rtol=0, atol=1e-6)
