"""`ElmoClassifier`: labels of any kind, probabilities, and what scikit-learn asks of a classifier of texts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from small_estimators import CLASSIFIER as SETTINGS
from small_estimators import LABELS, TEXTS, classifier

from elmo_tasks.cli import main
from elmo_tasks.core.errors import InputError
from elmo_tasks.integrations.sklearn import ElmoClassifier, ElmoTagger


def test_learns_numbers_as_numbers(fitted_classifier: ElmoClassifier) -> None:
    assert fitted_classifier.classes_.tolist() == [0, 1]
    assert fitted_classifier.predict(["warm film", ["cold", "film"]]).tolist() == [1, 0]
    assert fitted_classifier.score(TEXTS, LABELS) == 1.0
    probabilities = fitted_classifier.predict_proba(TEXTS[:4])
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, atol=1e-6)
    assert (probabilities.argmax(axis=1) == LABELS[:4]).all()
    assert fitted_classifier.predict([]).shape == (0,) and fitted_classifier.predict_proba([]).shape == (0, 2)


def test_labels_of_text_and_numbers_beyond_nine() -> None:
    names = np.array(["good" if label else "bad" for label in LABELS])
    found = classifier().fit(np.array(TEXTS), names)
    assert found.classes_.tolist() == ["bad", "good"] and found.predict(["clever"]).tolist() == ["good"]
    ratings = classifier().fit(TEXTS, [10 if label else 2 for label in LABELS])
    assert ratings.classes_.tolist() == [2, 10] and ratings.predict(["clever", "dull"]).tolist() == [10, 2]


def test_is_kept_as_a_run_folder(
    fitted_classifier: ElmoClassifier, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fitted_classifier.save(tmp_path / "run")
    again = ElmoClassifier.load(tmp_path / "run")
    np.testing.assert_array_equal(again.predict_proba(TEXTS), fitted_classifier.predict_proba(TEXTS))
    assert again.classes_.tolist() == [0, 1] and again.predict(["warm"]).tolist() == [1]
    (tmp_path / "in.txt").write_text("warm film\n")
    assert main(["predict", str(tmp_path / "run"), str(tmp_path / "in.txt")]) == 0
    assert json.loads(capsys.readouterr().out)["label"] == "1"
    (tmp_path / "run" / "classes.json").unlink()  # as in a run of the command line
    assert ElmoClassifier.load(tmp_path / "run").predict(["warm"]).tolist() == ["1"]
    with pytest.raises(InputError, match="the task of the run is sentiment, not ner"):
        ElmoTagger.load(tmp_path / "run")


def test_grid_search_and_clone(fitted_classifier: ElmoClassifier) -> None:
    grid = {"settings": [SETTINGS, SETTINGS | {"training.epochs": 1, "training.learning_rate": 1e-9}]}
    search = GridSearchCV(clone(fitted_classifier), grid, cv=2).fit(TEXTS, LABELS)
    assert search.best_params_["settings"] == SETTINGS
    assert search.predict_proba(["warm"]).shape == (1, 2)


@pytest.mark.parametrize(
    ("texts", "labels", "message"),
    [
        (TEXTS, LABELS[1:], "y: there are 29 gold items for 30 documents"),
        (["a", " "] * 5, [0, 1] * 5, r"X\[1\]: the document has no tokens"),
        (TEXTS, [1] * 30, "the training data has only one label, '1'; at least two are needed"),
        (["a", "b", "c"], [0, 1, 2], "fit: cannot hold out dev data .*; pass X_dev and y_dev"),
    ],
)
def test_faults(texts: Any, labels: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        classifier().fit(texts, labels)


def test_a_document_without_tokens_and_a_label_of_dev_alone(fitted_classifier: ElmoClassifier) -> None:
    with pytest.raises(InputError, match=r"X\[1\]: the document has no tokens; leave it out"):
        fitted_classifier.predict(["warm", ""])
    with pytest.raises(InputError, match=r"y_dev\[0\]: '2' is not a label of the training data \(0, 1\)"):
        classifier().fit(TEXTS, LABELS, ["warm"], [2])
