"""`ElmoPairClassifier`: pairs in every form that scikit-learn users have, and one clear line for each fault."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_predict
from small_estimators import PAIRS, RELATIONS, pair_classifier

from elmo_tasks import load
from elmo_tasks.cli import main
from elmo_tasks.core.errors import InputError
from elmo_tasks.integrations.sklearn import ElmoClassifier, ElmoPairClassifier


@pytest.fixture(scope="module")
def fitted(_session_cache: None) -> ElmoPairClassifier:
    return pair_classifier().fit(PAIRS, RELATIONS)


def test_learns_pairs_in_every_form(fitted: ElmoPairClassifier) -> None:
    assert fitted.classes_.tolist() == ["no", "yes"] and fitted.score(PAIRS, RELATIONS) == 1.0
    expected = fitted.predict_proba(PAIRS)
    np.testing.assert_allclose(expected.sum(axis=1), 1.0, atol=1e-6)
    table = pd.DataFrame(PAIRS, columns=["first", "second"])
    tokens = [([*first[:-1].split(), "."], [*second[:-1].split(), "."]) for first, second in PAIRS]
    series = pd.Series(PAIRS)
    for same in (np.array(PAIRS), table, tokens, series, (pair for pair in PAIRS), [list(pair) for pair in PAIRS]):
        np.testing.assert_array_equal(fitted.predict_proba(same), expected)
    assert fitted.predict([]).shape == (0,) and fitted.predict(table[:2]).tolist() == ["yes", "no"]


def test_searches_and_copies(fitted: ElmoPairClassifier) -> None:
    table = pd.DataFrame(PAIRS)
    found = cross_val_predict(pair_classifier(**{"training.epochs": 1}), table, np.array(RELATIONS), cv=2)
    assert found.shape == (len(PAIRS),)
    search = GridSearchCV(clone(fitted), {"model__hypothesis_only": [True, False]}, cv=2).fit(PAIRS, RELATIONS)
    assert search.predict(PAIRS[:1]).tolist() in (["yes"], ["no"])
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict_proba(PAIRS[:2]), fitted.predict_proba(PAIRS[:2]))


def test_is_kept_as_a_run_folder(
    fitted: ElmoPairClassifier, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fitted.save(tmp_path / "run")
    again = ElmoPairClassifier.load(tmp_path / "run")
    np.testing.assert_array_equal(again.predict_proba(PAIRS), fitted.predict_proba(PAIRS))
    assert again.tokenizer == "raw" and load(tmp_path / "run")(PAIRS[1]).label == "no"
    (tmp_path / "in.txt").write_text("\t".join(PAIRS[0]) + "\n")
    assert main(["predict", str(tmp_path / "run"), str(tmp_path / "in.txt")]) == 0
    assert json.loads(capsys.readouterr().out)["label"] == "yes"
    with pytest.raises(InputError, match="the task of the run is nli, not sentiment"):
        ElmoClassifier.load(tmp_path / "run")


def test_the_tokenizer_is_kept(tmp_path: Path) -> None:
    estimator = pair_classifier(**{"training.epochs": 1}).set_params(tokenizer="whitespace")
    examples = estimator._gold_examples([("It rains.", "It is wet.")], ["yes"], "")
    assert examples[0].tokens == ("It", "rains.", "It", "is", "wet.")
    estimator.fit(PAIRS, RELATIONS).save(tmp_path / "run")
    assert ElmoPairClassifier.load(tmp_path / "run").tokenizer == "whitespace"


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ("a text", "X must be a list of pairs of texts, or have two columns of them, not one str"),
        (np.array([["a", "b", "c"]]), r"X must be a list of pairs .* not an array of shape \(1, 3\)"),
        (pd.DataFrame({"a": ["b"]}), r"X must be a list of pairs .* not an array of shape \(1, 1\)"),
        (("a premise", "a hypothesis"), r"X\[0\]: must be a pair of texts or token lists, not 'a premise'"),
        ([("a", "b"), ("a", "b", "c")], r"X\[1\]: must be a pair of texts or token lists, not \('a', 'b', 'c'\)"),
        ([{"premise": "a", "hypothesis": "b"}], r"X\[0\]: must be a pair of texts or token lists, not {'premise"),
        ([("a", None)], r"X\[0\]: the hypothesis must be a text or a list of tokens, not None"),
        (pd.DataFrame({"a": ["b", float("nan")], "c": "d"}), r"X\[1\]: the premise must be a text .*, not nan"),
        ([("a", [1])], r"X\[0\]: the hypothesis must be a text or a list of tokens, not \[1\]"),
        ([("a", " ")], r"X\[0\]: the hypothesis has no tokens; leave the pair out"),
    ],
)
def test_faults(fitted: ElmoPairClassifier, pairs: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        fitted.predict(pairs)


def test_faults_of_fit(fitted: ElmoPairClassifier) -> None:
    with pytest.raises(InputError, match="y: there are 23 gold items for 24 documents"):
        pair_classifier().fit(PAIRS, RELATIONS[1:])
    with pytest.raises(InputError, match=r"X\[0\]: the token 'a\\nb' contains a line break"):
        pair_classifier().fit([(["a\nb"], ["c"]), *PAIRS[1:]], RELATIONS)
    with pytest.raises(InputError, match="tokenizer must be whitespace or raw, not 'words'"):
        pair_classifier().set_params(tokenizer="words").fit(PAIRS, RELATIONS)
    used = iter(PAIRS)
    assert len(list(used)) == len(PAIRS)
    with pytest.raises(InputError, match="X: the list_iterator has no documents left"):
        fitted.predict(used)
    with pytest.raises(InputError, match=r"y_dev\[0\]: 'perhaps' is not a label of the training data \(no, yes\)"):
        pair_classifier().fit(PAIRS, RELATIONS, PAIRS[:1], ["perhaps"])
