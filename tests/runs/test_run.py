"""`elmo_tasks.load`: what comes in, what comes out, and that it is what the command line says."""

from __future__ import annotations

import io
import json
import pickle
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import elmo_tasks
from elmo_tasks.cli import main
from elmo_tasks.core.errors import InputError
from elmo_tasks.runs.experiment import resolve_experiment
from elmo_tasks.runs.text import predict_text
from elmo_tasks.text.results import Argument, Entity, EntityResult, FrameResult, LabelResult
from elmo_tasks.text.tokeniser import tokeniser_name
from elmo_tasks.training.train import train
from small_corpora import NAMES, PLACES, entities, opinion, roles, write_corpus

TEXT = "Ada lives in Rome.\r\nBo lives in Oslo.\r\n\r\n“Cy lives in Bonn.” 😀 Di lives in Lima."


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A small run of each task."""
    place = tmp_path_factory.mktemp("runs")
    settings = ["training.epochs=6", "training.learning_rate=0.02", "model.hidden=12"]
    made = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ELMO_TASKS_CACHE", str(place / "cache"))
        for task, line in (("ner", entities), ("srl", roles), ("sentiment", opinion)):
            data = write_corpus(place / f"{task}-data", line)
            given = {"data": str(data), "embedders": ["random", "chars"]}
            made[task] = train(
                resolve_experiment(task, None, given, settings), place / task, tell=lambda _: None
            ).folder
    return made


@pytest.fixture(scope="module")
def ner(folders: dict[str, Path]) -> elmo_tasks.Run:
    return elmo_tasks.load(folders["ner"], trust=True)  # each test has a cache of its own, and so no key


def test_entities_of_a_raw_text(ner: elmo_tasks.Run) -> None:
    results = ner(TEXT)
    assert all(isinstance(result, EntityResult) for result in results)
    found = [entity for result in results for entity in result.entities]
    assert {"Rome", "Oslo", "Bonn", "Lima"} <= {e.text for e in found if e.type == "LOC"}
    for result in results:
        assert TEXT[result.start : result.end] == result.text
        assert all(TEXT[token.start : token.end] == token.text for token in result.tokens)
        for entity in result.entities:
            assert TEXT[entity.start : entity.end] == entity.text
            assert entity.score is not None and 0 < entity.score <= 1
    with pytest.raises(FrozenInstanceError):
        results[0].entities = ()


def test_each_kind_of_input(ner: elmo_tasks.Run) -> None:
    first, second = "Ada lives in Rome.", "Bo lives in Oslo. Cy lives in Bonn."
    both = ner([first, second], scores=False)  # whose last digits differ with the size of the batch
    assert both == [ner(first, scores=False), ner(second, scores=False)] and [len(own) for own in both] == [1, 2]
    tokens = [["Ada", "lives", "in", "Rome", "."], ("Bo", "lives")]
    given = [*tokens, np.array(["Cy", "."])]
    results = ner(given)
    assert [result.text for result in results] == ["Ada lives in Rome .", "Bo lives", "Cy ."]
    assert Entity("LOC", "Rome", 13, 17, results[0].entities[-1].score) in results[0].entities
    assert ner(iter(tokens), scores=False) == ner(tokens, scores=False)


def test_scores_are_left_out_where_they_are_not_wanted(ner: elmo_tasks.Run) -> None:
    with_scores, without = ner(TEXT), ner(TEXT, scores=False)
    assert [[(e.type, e.start) for e in r.entities] for r in with_scores] == [
        [(e.type, e.start) for e in r.entities] for r in without
    ]
    assert all(entity.score is None for result in without for entity in result.entities)
    assert "score" in with_scores[0].to_dict()["entities"][0] and "score" not in without[0].to_dict()["entities"][0]


def test_roles_of_a_raw_text(folders: dict[str, Path]) -> None:
    text = "Hello. Bo sold Oslo."
    result = elmo_tasks.load(folders["srl"])(text)[1]
    assert isinstance(result, FrameResult)
    (frame,) = result.frames
    assert (frame.predicate, text[frame.start : frame.end]) == ("sold", "sold") and frame.score is not None
    assert [(a.role, a.text, a.start, a.end) for a in frame.arguments] == [
        ("ARG0", "Bo", 7, 9),
        ("ARG1", "Oslo", 15, 19),
    ]
    assert all(isinstance(a, Argument) and a.score is not None and 0 < a.score <= 1 for a in frame.arguments)


def test_labels_of_a_raw_text(folders: dict[str, Path]) -> None:
    run = elmo_tasks.load(folders["sentiment"])
    warm, dull = run("Ada is warm. Bo is dull.")
    assert isinstance(warm, LabelResult) and (warm.label, dull.label) == ("positive", "negative")
    assert sum(warm.probabilities.values()) == pytest.approx(1) and run.labels == ("negative", "positive")


def test_tags_of_a_raw_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for split in ("train", "dev", "test"):
        (tmp_path / f"{split}.txt").write_text("Ada N\nsings V\n. P\n\nBo N\nsings V\n. P\n\n" * 6)
    given = {"data": str(tmp_path), "embedders": ["random"]}
    settings = ["training.epochs=4", "training.learning_rate=0.02", "model.hidden=8"]
    train(resolve_experiment("tagging", None, given, settings), tmp_path / "run", tell=lambda _: None)
    (result,) = elmo_tasks.load(tmp_path / "run")("Bo sings.")
    assert [(t.tag, t.text, t.start, t.end) for t in result.tags] == [
        ("N", "Bo", 0, 2),
        ("V", "sings", 3, 8),
        ("P", ".", 8, 9),
    ]
    assert all(tag.score is not None and 0 < tag.score <= 1 for tag in result.tags)
    (tmp_path / "in.txt").write_text("Bo sings .\n")
    assert main(["predict", str(tmp_path / "run"), str(tmp_path / "in.txt"), "--probabilities"]) == 0
    assert json.loads(capsys.readouterr().out)["scores"] == pytest.approx([tag.score for tag in result.tags], abs=1e-5)


def test_a_stream_is_read_as_it_is_needed_and_keeps_its_order(ner: elmo_tasks.Run) -> None:
    read = 0

    def stream() -> Iterator[str]:
        nonlocal read
        for number in range(1000):
            read += 1
            yield f"{NAMES[number % 6]} lives in {PLACES[number % 4]}." if number % 7 else " "

    results = ner.pipe(stream(), batch_size=10, scores=False)
    for number in range(30):
        own = next(results)
        assert [result.text for result in own] == (
            [f"{NAMES[number % 6]} lives in {PLACES[number % 4]}."] if number % 7 else []
        )
        assert read <= number + 10
    assert [result.text for result in ner.pipe([["Ada", "."], []])] == ["Ada .", ""]
    assert list(ner.pipe([])) == []


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (" \n", r"the text: the text ' \\n' has no words"),
        ([], "the list is empty"),
        (["Ada.", ["Bo"]], r"item 1: \['Bo'\] is not a text like the others"),
        ([["Ada"], "Bo."], "item 1: the text 'Bo.' is among token lists"),
        (["Ada.", ""], "item 1: the text '' has no words"),
        ([[]], "item 0: the list has no tokens"),
        ([["Ada", 3]], "item 0: tokens must be words, not 3"),
        ([["Ada", ""]], "item 0: tokens must be words, not ''"),
        ([None], "item 0: must be a text or a token list, not None of type NoneType"),
        ([b"Ada"], "item 0: must be a text or a token list, not b'Ada' of type bytes"),
        (None, "the input must be a text, .*, not None of type NoneType"),
        (b"Ada", "the input must be a text, .*, not b'Ada' of type bytes"),
        (3, "the input must be a text, .*, not 3 of type int"),
    ],
)
def test_bad_input_is_one_line(ner: elmo_tasks.Run, given: Any, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        ner(given)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("stream", ["Ada.", b"Ada.", None])
def test_a_stream_that_is_none(ner: elmo_tasks.Run, stream: Any) -> None:
    with pytest.raises(InputError, match="the stream must consist of texts or token lists"):
        next(ner.pipe(stream))
    with pytest.raises(InputError, match="batch_size must be 1 or more"):
        next(ner.pipe([], batch_size=0))
    with pytest.raises(InputError, match="item 1: the text"):
        list(ner.pipe([["Ada"], "Bo"]))


def test_threads_share_a_run(ner: elmo_tasks.Run) -> None:
    texts = [f"{name} lives in {town}." for name in NAMES for town in PLACES]
    expected = [ner(text) for text in texts]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(ner, texts)) == expected


def test_labels_scores_copies(ner: elmo_tasks.Run, folders: dict[str, Path], tmp_path: Path) -> None:
    assert ner.labels == ("LOC", "PER") and ner.task == "ner" and "ner" in repr(ner)
    scores = ner.evaluate()
    assert scores["f1"] == json.loads((folders["ner"] / "metrics.json").read_text())["test"]["f1"]
    examples = ner.trained.task.read(folders["ner"].with_name("ner-data") / "test.txt")
    assert ner.evaluate(examples)["f1"] == scores["f1"]
    with pytest.raises(InputError, match="data: there are no sentences; give at least one"):
        ner.evaluate([])
    ner.save(tmp_path / "copy")
    assert elmo_tasks.load(tmp_path / "copy")(TEXT) == ner(TEXT) == pickle.loads(pickle.dumps(ner))(TEXT)
    with pytest.raises(InputError, match="already exists"):
        ner.save(tmp_path / "copy")


def test_the_command_line_says_the_same(
    ner: elmo_tasks.Run, folders: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes(b"\xef\xbb\xbf" + TEXT.encode())  # a mark of UTF-8 is no character of the text

    def said(*arguments: str) -> list[dict[str, Any]]:
        assert main(["predict", *arguments]) == 0
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    run = str(folders["ner"])
    expected = [result.to_dict() for result in ner(TEXT)]
    assert said(run, "--text", str(path), "--probabilities") == expected
    assert said(run, str(path), "--text", "--probabilities") == expected
    assert said(run, "--text", str(path)) == [result.to_dict() for result in ner(TEXT, scores=False)]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TEXT.encode())))
    assert said(run, "--text", "-", "--probabilities") == expected
    assert main(["predict", run, str(path), "--text", "other.txt"]) == 2
    assert "--text: two files were given" in capsys.readouterr().err
    path.write_text(" \n\n")
    assert main(["predict", run, "--text", str(path)]) == 2
    assert "text.txt: the text is empty or only white space" in capsys.readouterr().err


def test_probabilities_of_tokenised_lines(
    folders: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "lines.txt"
    path.write_text('Bo sold Oslo .\n{"tokens": ["Bo", "sold", "Oslo"], "predicates": [1]}\n\n')
    plain, scored = [], []
    for found, more in ((plain, []), (scored, ["--probabilities"])):
        assert main(["predict", str(folders["srl"]), str(path), *more]) == 0
        found += [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert "score" in scored[0]["frames"][0] and "score" not in scored[1]["frames"][0]
    for frame in (scored[0]["frames"][0], scored[1]["frames"][0]):
        frame.pop("score", None)
        assert all(0 < argument.pop("score") <= 1 for argument in frame["arguments"])
    assert plain == scored


def test_places_count_from_the_beginning_of_what_is_read_by_paragraphs(ner: elmo_tasks.Run) -> None:
    text = "\n \nAda lives in Rome.\r\n\t\r\n\r\n" + "Bo lives in Oslo.\r" * 3 + "\r\rCy."
    results = list(predict_text(ner, io.StringIO(text, newline=""), 2, "text"))
    assert results == ner(text, scores=False) and len(results) == 5


def test_the_record_names_the_tokeniser(folders: dict[str, Path]) -> None:
    for folder in folders.values():
        assert json.loads((folder / "metrics.json").read_text())["tokeniser"] == tokeniser_name()
