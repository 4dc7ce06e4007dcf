"""What scikit-learn asks of estimators, and what people do with them, for all of ours.

`check_estimator` makes tables of numbers and stops early for an estimator of texts (tag `two_d_array` false), as it
does for scikit-learn's own `CountVectorizer`. So those of its checks that do not depend on a table run here one by one.
What the others look at (fitted state, pickling, order and subsets, generators, types of labels) is tested on texts.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_checks as checks
from small_estimators import LABELS, SENTENCES, TAGS, TEXTS, classifier, tagger

from elmo_tasks.core.errors import InputError
from elmo_tasks.integrations.sklearn import ElmoClassifier, ElmoPairClassifier, ElmoTagger, ElmoVectorizer

ESTIMATORS = [ElmoVectorizer, ElmoClassifier, ElmoPairClassifier, ElmoTagger]
CHECKS = [
    checks.check_estimator_cloneable,
    checks.check_estimator_tags_renamed,
    checks.check_valid_tag_types,
    checks.check_estimator_repr,
    checks.check_no_attributes_set_in_init,
    checks.check_do_not_raise_errors_in_init_or_set_params,
    checks.check_mixin_order,
    checks.check_parameters_default_constructible,
    checks.check_get_params_invariance,
    checks.check_set_params,
]
Fitted = tuple[ElmoClassifier, ElmoTagger]


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_checks_of_scikit_learn(check: Callable[..., None], estimator: type[Any]) -> None:
    check(estimator.__name__, estimator())


@pytest.mark.filterwarnings("ignore:Can't test estimator:sklearn.exceptions.SkipTestWarning")
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_check_estimator_itself(estimator: type[Any]) -> None:
    assert {result["status"] for result in checks.check_estimator(estimator())} == {"passed"}


def test_what_is_not_fitted_says_so() -> None:
    checks.check_estimators_unfitted("ElmoClassifier", ElmoClassifier())
    checks.check_estimators_unfitted("ElmoPairClassifier", ElmoPairClassifier())
    checks.check_estimators_unfitted("ElmoTagger", ElmoTagger())
    for unfitted in (
        lambda: ElmoClassifier().predict(["a"]),
        lambda: ElmoClassifier().predict_proba(["a"]),
        lambda: ElmoClassifier().classes_,
        lambda: ElmoClassifier().score(["a"], [1]),
        lambda: ElmoPairClassifier().predict([("a", "b")]),
        lambda: ElmoTagger().predict([""]),
        lambda: ElmoTagger().score([["a"]], [["O"]]),
        lambda: ElmoTagger().save("run"),
    ):
        with pytest.raises(NotFittedError):
            unfitted()
    assert not hasattr(ElmoClassifier(), "classes_") and is_classifier(ElmoClassifier())


def test_seeds_of_every_kind() -> None:
    def seed(state: Any) -> int:
        return ElmoTagger(random_state=state)._experiment(ElmoTagger(random_state=state)._seed()).seed

    assert seed(np.random.RandomState(7)) == seed(np.random.RandomState(7)) != seed(np.random.RandomState(8))
    assert seed(np.int64(5)) == 5
    np.random.seed(3)
    free = [seed(None), seed(None)]
    np.random.seed(3)
    assert free == [seed(None), seed(None)] and free[0] != free[1]
    fitted = tagger(**{"training.epochs": 1}).set_params(random_state=np.random.RandomState(7)).fit(SENTENCES, TAGS)
    assert fitted.metrics_["seed"] == seed(np.random.RandomState(7))
    for wrong in ("a", 1.5):
        with pytest.raises(InputError, match="random_state must be a whole number, a numpy RandomState or None, not"):
            tagger().set_params(random_state=wrong).fit(SENTENCES, TAGS)


@pytest.mark.parametrize(
    "labels",
    [
        np.array(LABELS, np.float32) / 10,
        np.array([b"good" if label else "böse".encode() for label in LABELS]),
        np.array(LABELS, bool),
        np.array(["good" if label else "bad" for label in LABELS], object),
    ],
    ids=["float32", "bytes", "bool", "object"],
)
def test_labels_keep_their_type(labels: Any) -> None:
    fitted = classifier(**{"training.epochs": 4}).fit(TEXTS, labels)
    assert fitted.classes_.dtype == np.asarray(list(labels)).dtype
    assert fitted.classes_.tolist() == np.unique(labels).tolist()
    assert fitted.predict(TEXTS[:2]).tolist() == np.asarray(labels)[:2].tolist()
    again = pickle.loads(pickle.dumps(fitted))
    assert again.classes_.dtype == fitted.classes_.dtype and again.predict(TEXTS[:2]).tolist() == list(labels[:2])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([1, "a"] * 15, "y: texts and numbers are mixed; give labels of one kind"),
        ([1.0, float("nan")] * 15, r"y\[1\]: the label must be text or a number, not nan"),
        ([None] * 30, r"y\[0\]: the label must be text or a number, not None"),
        ([b"\xff", b"a"] * 15, r"y\[0\]: the label must be text or a number, not b'\\xff'"),
        (None, "fit: y is None, but it requires y"),
    ],
)
def test_labels_that_are_none(labels: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        classifier().fit(TEXTS, labels)


def test_generators_are_read_once(fitted_classifier: ElmoClassifier, fitted_tagger: ElmoTagger) -> None:
    found = classifier().fit((text for text in TEXTS), (label for label in LABELS))
    assert found.metrics_["dev"] == fitted_classifier.metrics_["dev"]
    assert found.predict(text for text in TEXTS[:3]).tolist() == LABELS[:3]
    assert found.predict_proba(text for text in TEXTS[:3]).shape == (3, 2)
    assert found.score((text for text in TEXTS), LABELS) == 1.0
    assert fitted_tagger.predict(tokens for tokens in SENTENCES[:2]) == TAGS[:2]
    assert fitted_tagger.score((tokens for tokens in SENTENCES), (tags for tags in TAGS)) == 1.0
    again = tagger(**{"training.epochs": 1}).fit((tokens for tokens in SENTENCES), (tags for tags in TAGS))
    assert len(again.predict(SENTENCES)) == len(SENTENCES)


def test_settings_are_nested_parameters() -> None:
    estimator = classifier()
    settings = estimator.settings
    estimator.set_params(training__epochs=2, model__hidden=5, random_state=3)
    assert settings["training.epochs"] == 6  # not changed under somebody's hands
    assert estimator.settings["training.epochs"] == 2 and estimator.settings["model.hidden"] == 5
    assert estimator.get_params()["training__epochs"] == 2
    assert "training__epochs" not in estimator.get_params(deep=False)
    assert clone(estimator).set_params(**estimator.get_params()).get_params() == estimator.get_params()
    assert ElmoTagger().set_params(glove__trainable=False).settings == {"glove.trainable": False}
    pipeline = make_pipeline(classifier()).set_params(elmoclassifier__training__epochs=4)
    assert pipeline[-1].settings["training.epochs"] == 4
    with pytest.raises(ValueError, match="Invalid parameter 'epochs' for estimator ElmoClassifier"):
        estimator.set_params(epochs=2)
    with pytest.raises(InputError, match=r"unknown key 'training.epoch'; did you mean training.epochs"):
        classifier().set_params(training__epoch=2).fit(TEXTS, LABELS)
    with pytest.raises(InputError, match="settings: values must be numbers, texts or lists, not {1}"):
        classifier().set_params(training__epochs={1}).fit(TEXTS, LABELS)
    with pytest.raises(InputError, match="settings must be a dictionary such as .*, not 3"):
        classifier().set_params(settings=3).fit(TEXTS, LABELS)


def test_a_search_over_nested_parameters() -> None:
    grid = {"training__epochs": np.array([1, 6]), "training__learning_rate": [0.02]}
    search = GridSearchCV(classifier(), grid, cv=2).fit(TEXTS, LABELS)
    assert search.best_params_["training__epochs"] == 6 and search.best_estimator_.metrics_["epochs"] > 1
    assert search.predict_proba(["warm"]).shape == (1, 2)


@pytest.mark.slow
def test_two_processes_at_once(fitted_classifier: ElmoClassifier) -> None:
    """Joblib pickles the estimators; fitted ones come back."""
    alone, together = (
        cross_val_score(classifier(), np.array(TEXTS), np.array(LABELS), cv=2, n_jobs=n_jobs) for n_jobs in (1, 2)
    )
    assert alone.tolist() == together.tolist()
    search = GridSearchCV(tagger(), {"training__epochs": [1, 8]}, cv=2, n_jobs=2).fit(SENTENCES, TAGS)
    assert search.best_params_ == {"training__epochs": 8} and search.predict(SENTENCES[:1]) == TAGS[:1]
    search = GridSearchCV(fitted_classifier, {"random_state": [1, 2]}, cv=2, n_jobs=2).fit(TEXTS, LABELS)
    assert search.predict_proba(TEXTS[:2]).shape == (2, 2)
