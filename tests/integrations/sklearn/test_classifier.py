"""`ElmoClassifier`: labels of any kind, probabilities, and what scikit-learn asks of a classifier of texts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone, is_classifier
from sklearn.model_selection import GridSearchCV
from sklearn.utils import estimator_checks as checks

from elmo_tasks.cli import main
from elmo_tasks.core.errors import InputError
from elmo_tasks.integrations.sklearn import ElmoClassifier, ElmoTagger

TEXTS = ["warm and clever", "dull and cold", "a warm film", "a cold film", "so clever", "so dull"] * 5
LABELS = [1, 0, 1, 0, 1, 0] * 5
SETTINGS = {"model.hidden": 8, "training.epochs": 6, "training.learning_rate": 0.02}


def classifier(**changes: Any) -> ElmoClassifier:
    return ElmoClassifier(embedders=["random"], settings=SETTINGS | changes)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> ElmoClassifier:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ELMO_TASKS_CACHE", str(tmp_path_factory.mktemp("cache")))
        return classifier().fit(TEXTS, LABELS)


@pytest.mark.parametrize(
    "check",
    [
        checks.check_estimator_cloneable,
        checks.check_estimator_tags_renamed,
        checks.check_valid_tag_types,
        checks.check_estimator_repr,
        checks.check_no_attributes_set_in_init,
        checks.check_do_not_raise_errors_in_init_or_set_params,
        checks.check_mixin_order,
        checks.check_get_params_invariance,
        checks.check_set_params,
    ],
    ids=lambda check: check.__name__,
)
def test_checks_of_scikit_learn(check: Callable[..., None]) -> None:
    """The others of `check_estimator` fit tables of numbers, which a classifier of texts refuses."""
    check("ElmoClassifier", ElmoClassifier())
    assert is_classifier(ElmoClassifier())


def test_learns_numbers_as_numbers(fitted: ElmoClassifier) -> None:
    assert fitted.classes_.tolist() == [0, 1]
    assert fitted.predict(["warm film", ["cold", "film"]]).tolist() == [1, 0]
    assert fitted.score(TEXTS, LABELS) == 1.0
    probabilities = fitted.predict_proba(TEXTS[:4])
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, atol=1e-6)
    assert (probabilities.argmax(axis=1) == LABELS[:4]).all()
    assert fitted.predict([]).shape == (0,) and fitted.predict_proba([]).shape == (0, 2)


def test_labels_of_text_and_numbers_beyond_nine() -> None:
    names = np.array(["good" if label else "bad" for label in LABELS])
    found = classifier().fit(np.array(TEXTS), names)
    assert found.classes_.tolist() == ["bad", "good"] and found.predict(["clever"]).tolist() == ["good"]
    ratings = classifier().fit(TEXTS, [10 if label else 2 for label in LABELS])
    assert ratings.classes_.tolist() == [2, 10] and ratings.predict(["clever", "dull"]).tolist() == [10, 2]


def test_is_kept_as_a_run_folder(fitted: ElmoClassifier, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fitted.save(tmp_path / "run")
    again = ElmoClassifier.load(tmp_path / "run")
    np.testing.assert_array_equal(again.predict_proba(TEXTS), fitted.predict_proba(TEXTS))
    assert again.classes_.tolist() == [0, 1] and again.predict(["warm"]).tolist() == [1]
    (tmp_path / "in.txt").write_text("warm film\n")
    assert main(["predict", str(tmp_path / "run"), str(tmp_path / "in.txt")]) == 0
    assert json.loads(capsys.readouterr().out)["label"] == "1"
    (tmp_path / "run" / "classes.json").unlink()  # as in a run of the command line
    assert ElmoClassifier.load(tmp_path / "run").predict(["warm"]).tolist() == ["1"]
    with pytest.raises(InputError, match="expected a run of the task ner, got one of sentiment"):
        ElmoTagger.load(tmp_path / "run")


def test_grid_search_and_clone(fitted: ElmoClassifier) -> None:
    grid = {"settings": [SETTINGS, SETTINGS | {"training.epochs": 1, "training.learning_rate": 1e-9}]}
    search = GridSearchCV(clone(fitted), grid, cv=2).fit(TEXTS, LABELS)
    assert search.best_params_["settings"] == SETTINGS
    assert search.predict_proba(["warm"]).shape == (1, 2)


@pytest.mark.parametrize(
    ("texts", "labels", "message"),
    [
        (TEXTS, LABELS[1:], "y: expected gold for 30 documents, got 29"),
        (["a", " "] * 5, [0, 1] * 5, r"X\[1\]: expected a document with tokens, got an empty one"),
        (TEXTS, [1] * 30, "expected training data of two labels or more, got '1' alone"),
        (["a", "b", "c"], [0, 1, 2], "fit: cannot put a dev part aside .*; give X_dev and y_dev"),
    ],
)
def test_faults(texts: Any, labels: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        classifier().fit(texts, labels)


def test_a_document_without_tokens_and_a_label_of_dev_alone(fitted: ElmoClassifier) -> None:
    with pytest.raises(InputError, match=r"X\[1\]: expected a document with tokens, got an empty one; leave it out"):
        fitted.predict(["warm", ""])
    with pytest.raises(InputError, match=r"y_dev\[0\]: expected a label of the training data \(0, 1\), got '2'"):
        classifier().fit(TEXTS, LABELS, ["warm"], [2])
