"""`fit(verbose=True)` says how the training goes; without it nothing is printed."""

from __future__ import annotations

import pytest

from elmo_tasks.integrations.sklearn import ElmoClassifier, ElmoTagger

SMALL = {"model.hidden": 4, "training.epochs": 2}


@pytest.mark.parametrize("verbose", [False, True])
def test_lines_per_epoch(
    verbose: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setenv("ELMO_TASKS_CACHE", f"{tmp_path}/cache")
    tagger = ElmoTagger(embedders=["random"], settings=SMALL)
    tagger.fit([["Ada", "lives"]] * 12, [["B-PER", "O"]] * 12, verbose=verbose)
    assert capsys.readouterr().out.count("epoch ") == 2 * verbose
    classifier = ElmoClassifier(embedders=["random"], settings={"training.epochs": 2})
    classifier.fit(["good", "bad"] * 10, ["pos", "neg"] * 10, verbose=verbose)
    assert capsys.readouterr().out.count("epoch ") == 2 * verbose
