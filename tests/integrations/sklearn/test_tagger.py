"""`ElmoTagger`: the run that it trains, what scikit-learn asks of it, and that it is kept as a run folder."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
from safetensors.torch import load
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from small_estimators import SENTENCES as X
from small_estimators import TAGGER as SETTINGS
from small_estimators import TAGS as Y
from small_estimators import tagger

from elmo_tasks.cli import main
from elmo_tasks.core.errors import InputError
from elmo_tasks.integrations.sklearn import ElmoTagger
from elmo_tasks.runs.predict import predict


def tensors(estimator: ElmoTagger) -> dict[str, Any]:
    return {name: value.tolist() for name, value in load(estimator.run_["model.safetensors"]).items()}


def test_learns_and_predicts_texts_and_token_lists(fitted_tagger: ElmoTagger) -> None:
    assert fitted_tagger.predict(["Ada lives in Rome .", ["Bo", "lives", "in", "Oslo", "."], ""]) == [Y[0], Y[0], []]
    assert fitted_tagger.score(X, Y) == 1.0
    assert fitted_tagger.metrics_["dev"]["f1"] == 1.0 and "test" not in fitted_tagger.metrics_
    assert fitted_tagger.predict([]) == []


def test_a_seed_reproduces(fitted_tagger: ElmoTagger) -> None:
    again = tagger().fit(X, Y)
    assert again.metrics_["dev"] == fitted_tagger.metrics_["dev"]
    assert tensors(again) == tensors(fitted_tagger)
    other = tagger(**{"training.epochs": 1}).set_params(random_state=2).fit(X, Y)
    assert tensors(other) != tensors(fitted_tagger)


def test_dev_data_of_ones_own_and_other_schemes() -> None:
    bioes = [["S-PER", "O", "O", "S-LOC", "O"]] * len(X)
    found = tagger(**{"training.epochs": 8}).fit(X, bioes, X[:3], Y[:3])
    assert found.predict(X[:1]) == Y[:1]


def test_is_kept_as_a_run_folder(fitted_tagger: ElmoTagger, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fitted_tagger.save(tmp_path / "run")
    again = ElmoTagger.load(tmp_path / "run")
    assert again.predict(X) == fitted_tagger.predict(X)
    assert again.run_ == fitted_tagger.run_ and again.metrics_ == fitted_tagger.metrics_
    assert again.get_params()["embedders"] == ("random", "chars") and again.settings["model.hidden"] == 12
    frame = next(predict(tmp_path / "run", ["Ada lives in Rome ."]))
    assert [entity["text"] for entity in frame["entities"]] == ["Ada", "Rome"]
    refit = clone(again).fit(X, Y)
    assert tensors(refit) == tensors(fitted_tagger)
    with pytest.raises(InputError, match="run: already exists; choose another --output"):
        fitted_tagger.save(tmp_path / "run")
    assert main(["report", str(tmp_path / "run")]) == 2
    assert "the run has no test scores, because it was trained without" in capsys.readouterr().err


def test_copies_are_fitted_too(fitted_tagger: ElmoTagger) -> None:
    assert pickle.loads(pickle.dumps(fitted_tagger)).predict(X[:2]) == fitted_tagger.predict(X[:2])
    with pytest.raises(NotFittedError):
        clone(fitted_tagger).predict(X)


@pytest.mark.slow
def test_grid_search() -> None:
    grid = {"settings": [SETTINGS | {"training.epochs": epochs} for epochs in (1, 8)]}
    search = GridSearchCV(tagger(), grid, cv=2).fit(X, Y)
    assert search.best_params_["settings"]["training.epochs"] == 8
    assert search.predict(X[:1]) == Y[:1]


@pytest.mark.parametrize(
    ("sentences", "tags", "message"),
    [
        (X, Y[1:], "y: there are 19 gold items for 20 documents"),
        ([["a", "b"]] * 9, [["O"]] * 9, r"y\[0\]: there are 1 tags for 2 tokens"),
        ([["a"], []], [["O"], []], r"X\[1\]: the document has no tokens"),
        ([["a"]] * 9, [["PER"]] * 9, "'PER' is not a tag such as O, B-PER or I-PER"),
        ([["a"], ["b\nc"]], [["O"]] * 2, r"X\[1\]: the token 'b\\nc' contains a line break"),
        ([["a"], ["\ud83d"]], [["O"]] * 2, r"X\[1\]: the token '\\ud83d' contains half of a surrogate pair"),
        ([["a"]], [["O"]], "fit: cannot hold out dev data .*; pass X_dev and y_dev"),
    ],
)
def test_faults(sentences: Any, tags: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        tagger().fit(sentences, tags)


@pytest.mark.parametrize(
    ("dev", "message"),
    [
        ({"X_dev": X}, "fit: X_dev was passed without y_dev; pass both, or neither to draw dev data from X"),
        ({"y_dev": Y}, "fit: y_dev was passed without X_dev; pass both"),
        ({"X_dev": X, "y_dev": Y[1:]}, "y_dev: there are 19 gold items for 20 documents"),
    ],
)
def test_dev_data_that_is_not_whole(dev: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        tagger().fit(X, Y, **dev)


def test_an_unknown_setting() -> None:
    with pytest.raises(InputError, match=r"unknown key 'training.epoch'; did you mean training.epochs"):
        tagger(**{"training.epoch": 3}).fit(X, Y)


def test_a_run_of_another_task(fitted_tagger: ElmoTagger, tmp_path: Path) -> None:
    class ElmoChunker(ElmoTagger):
        task = "chunking"

    fitted_tagger.save(tmp_path / "run")
    with pytest.raises(InputError, match="the task of the run is ner, not chunking"):
        ElmoChunker.load(tmp_path / "run")


NUMBERED = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]


def test_numbers_stand_for_tags(fitted_tagger: ElmoTagger) -> None:
    numbers = [[NUMBERED.index(tag) for tag in tags] for tags in Y]
    for given in (numbers, [np.array(tags) for tags in numbers]):
        found = tagger().set_params(tag_names=NUMBERED).fit(X, given)
        assert tensors(found) == tensors(fitted_tagger) and found.score(X, given) == 1.0
        assert found.predict(X[:1]) == Y[:1]
    names = datasets.Features(tags=datasets.List(datasets.ClassLabel(names=NUMBERED)))
    column = datasets.Dataset.from_dict({"tags": numbers}, features=names)["tags"]
    assert tensors(tagger().fit(X, column)) == tensors(fitted_tagger)


@pytest.mark.parametrize(
    ("names", "tags", "message"),
    [
        (None, [[0]] * 9, r"y\[0\]: the tags are numbers without names \(the first is 0\); name them with ElmoTagger"),
        (NUMBERED, [[0], [5]] * 5, r"y\[1\]: the tag 5 has no name; there are 5 names, numbered from 0"),
        (NUMBERED, [[0], [float("nan")]] * 5, r"y\[1\]: a tag is missing \(nan\)"),
        (NUMBERED, [0] * 9, r"y\[0\]: the tags must be a list, not 0"),
    ],
)
def test_numbers_without_names(names: Any, tags: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        tagger().set_params(tag_names=names).fit([["a"]] * len(tags), tags)


def test_marginals_are_those_of_each_tag(fitted_tagger: ElmoTagger) -> None:
    first, second, empty = fitted_tagger.predict_marginals([X[0], X[1][:2], ""])
    assert [len(first), len(second), empty] == [5, 2, []]
    for token in (*first, *second):
        assert set(token) == {"O", "B-PER", "I-PER", "B-LOC", "I-LOC"}
        assert sum(token.values()) == pytest.approx(1)
    for place, tag in enumerate(Y[0]):
        if tag != "O":
            assert first[place][tag] == max(token[tag] for token in first)


def test_raw_texts_and_the_tokenizer_is_kept(tmp_path: Path) -> None:
    quick = tagger(**{"training.epochs": 1}).set_params(tokenizer="raw")
    found = quick.fit([" ".join(tokens[:-1]) + "." for tokens in X], Y)
    assert len(found.predict(["Ada lives in Rome."])[0]) == 5
    found.save(tmp_path / "run")
    assert ElmoTagger.load(tmp_path / "run").get_params()["tokenizer"] == "raw"
    with pytest.raises(InputError, match="tokenizer must be whitespace or raw, not 'words'"):
        tagger().set_params(tokenizer="words").fit(X, Y)


@pytest.mark.slow
def test_folds_in_other_processes() -> None:
    numbers = [[NUMBERED.index(tag) for tag in tags] for tags in Y]
    scores = cross_val_score(tagger().set_params(tag_names=NUMBERED), X, numbers, cv=2, n_jobs=2, error_score="raise")
    assert len(scores) == 2 and all(0 <= score <= 1 for score in scores)
