"""The main job end to end: what it writes, that seeds reproduce it, that it resumes exactly."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from corpora import make_corpus
from elmo_tasks.core.errors import InputError
from elmo_tasks.elmo.bilm import BiLM
from elmo_tasks.elmo.options import BilmOptions
from elmo_tasks.elmo.weights.hdf5 import write_hdf5
from elmo_tasks.embedders import inputs as inputs_module
from elmo_tasks.embedders.cache.block import Block
from elmo_tasks.embedders.cache.cached import CachedEmbedder
from elmo_tasks.embedders.inputs import FrozenInput
from elmo_tasks.embedders.random import RandomEmbedder
from elmo_tasks.embedders.registry import build_inputs
from elmo_tasks.runs.batches import loader, prepare
from elmo_tasks.runs.evaluate import evaluate
from elmo_tasks.runs.experiment import load_experiment
from elmo_tasks.runs.predict import predict
from elmo_tasks.runs.store import load_trained
from elmo_tasks.task import load_task
from elmo_tasks.text.examples import TaggedSentence
from elmo_tasks.training import train as run
from elmo_tasks.training.train import FinishedRun, train
from elmo_tasks.views.plots import draw_run

VOLATILE = ("seconds", "training_seconds", "seconds_per_epoch", "peak_rss_mb", "tokens_per_second", "checksums")


def small(corpus: Path, *settings: str, embedders: tuple[str, ...] = ("random", "chars"), seed: int = 1) -> Any:
    given = {"data": str(corpus), "embedders": list(embedders), "seed": seed}
    common = ["model.hidden=12", "training.epochs=12", "training.batch_size=4", "training.learning_rate=0.02"]
    return load_experiment([], given, [*common, *settings])


def quiet(experiment: Any, output: Path, **options: Any) -> FinishedRun:
    return train(experiment, output, tell=lambda line: None, **options)


def steady(outcome: FinishedRun) -> dict[str, Any]:
    return {key: value for key, value in outcome.metrics.items() if key not in VOLATILE}


def figures(row: dict[str, float]) -> list[float]:
    return [row[key] for key in ("epoch", "loss", "dev", "rate")]


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    """A run of 25 epochs on the corpus next to it."""
    place = tmp_path_factory.mktemp("learned")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ELMO_TASKS_CACHE", str(place / "cache"))
        settings = ("training.epochs=25", "training.patience=25")
        return quiet(small(make_corpus(place / "corpus"), *settings), place / "run", draw=draw_run)


def test_learns_and_writes_everything(learned: FinishedRun) -> None:
    outcome = learned
    assert outcome.metrics["test"]["f1"] > 0.9
    names = {path.name for path in outcome.folder.iterdir()}
    assert names == {
        ".elmo-tasks",
        ".seal",
        "checkpoints",
        "config.yaml",
        "epochs.csv",
        "metrics.json",
        "model.safetensors",
        "outcomes.test.json",
        "plots",
        "predictions.test.txt",
        "report.md",
        "words.txt",
    }
    assert (outcome.folder / "plots" / "learning_curve.png").read_bytes().startswith(b"\x89PNG")
    stored = json.loads((outcome.folder / "metrics.json").read_text())
    assert stored == outcome.metrics
    assert stored["data"] == str(outcome.folder.with_name("corpus"))
    assert {"f1", "precision", "recall"} <= set(stored["test"])
    assert not list(outcome.folder.parent.glob(".*unfinished"))


def test_the_exported_model_scores_what_training_said(learned: FinishedRun) -> None:
    scores, report = evaluate(learned.folder, trust=True)  # trained with another cache
    assert scores == learned.metrics["test"]
    assert "PER" in report
    assert evaluate(learned.folder, split="dev", trust=True)[0] == learned.metrics["dev"]


def test_predict(learned: FinishedRun) -> None:
    frames = list(predict(learned.folder, ["Ada lives in Oslo .", "", "\U0001f600\n"], block=2))
    assert frames[0]["entities"] == [
        {"type": "PER", "start": 0, "end": 1, "text": "Ada"},
        {"type": "LOC", "start": 3, "end": 4, "text": "Oslo"},
    ]
    assert frames[1] == {"tokens": [], "tags": [], "entities": []}
    assert len(frames[2]["tags"]) == 1


def test_a_line_may_have_no_example_or_several(learned: FinishedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = load_trained(learned.folder)

    def parse(line: str, source: str) -> list[TaggedSentence]:
        """One example an `Ada`."""
        tokens = tuple(line.split())
        return [TaggedSentence(tokens, tokens, place, source) for place, word in enumerate(tokens) if word == "Ada"]

    def describe(line: str, examples: Any, predicted: Any) -> dict[str, Any]:
        assert all(len(tags) == len(example.tokens) for example, tags in zip(examples, predicted, strict=True))
        return {"line": line, "at": [(example.source, example.predicate) for example in examples]}

    frames = replace(trained, task=replace(trained.task, parse=parse, describe=describe))
    monkeypatch.setattr("elmo_tasks.runs.predict.load_trained", lambda *_, **__: frames)
    found = list(predict(learned.folder, ["Ada sees Ada", "nobody", "Ada"], block=2, origin="in.txt"))
    assert found == [
        {"line": "Ada sees Ada", "at": [("in.txt:1", 0), ("in.txt:1", 2)]},
        {"line": "nobody", "at": []},
        {"line": "Ada", "at": [("in.txt:3", 0)]},
    ]


def test_examples_of_one_sentence_share_its_vectors() -> None:
    tokens = ("Ada", "sees", "Bo")
    examples = [TaggedSentence(tokens, ("O",) * 3, place) for place in (0, 2)]
    items = prepare([*examples, TaggedSentence(("Bo",), ("O",))], build_inputs(["random"]), load_task("ner"), None)
    assert items[0].inputs[0] is items[1].inputs[0]
    assert [item.predicate for item in items] == [0, 2, None]


def test_vectors_are_read_when_a_batch_needs_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cached = CachedEmbedder(RandomEmbedder(6), tmp_path)
    examples = [TaggedSentence((f"w{number}",) * (1 + number % 5), ("O",) * (1 + number % 5)) for number in range(40)]
    items = prepare(examples, [FrozenInput(cached)], load_task("ner"), None)
    read: list[int] = []
    monkeypatch.setattr(Block, "row", lambda self, number, row=Block.row: read.append(0) or row(self, number))
    seen = set()
    for batch in loader(items, 8):
        assert len(read) == 8
        read.clear()
        seen.update(batch.indices)
        for index, vectors, length in zip(batch.indices, batch.inputs[0], batch.lengths.tolist(), strict=True):
            assert torch.equal(vectors[:, :length], cached.embed([examples[index].tokens])[0])
        read.clear()
    assert seen == set(range(40)) and [item.index for item in items[3:5]] == [3, 4]


def test_many_sentences_that_no_cache_keeps_are_computed_batch_by_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs_module, "AT_ONCE", 10)
    sentences = [[f"w{number}"] * 3 for number in range(5)]
    prepared = FrozenInput(RandomEmbedder(6)).prepare(sentences)
    assert isinstance(prepared, inputs_module.Computed)
    expected = RandomEmbedder(6).embed(sentences)
    assert all(map(torch.equal, prepared.take([4, 0]), (expected[4], expected[0])))


def test_a_seed_reproduces_every_figure(corpus: Path, tmp_path: Path) -> None:
    settings = ("training.epochs=3",)
    first = quiet(small(corpus, *settings), tmp_path / "a")
    again = quiet(small(corpus, *settings), tmp_path / "b")
    other = quiet(small(corpus, *settings, seed=2), tmp_path / "c")
    assert steady(first) == steady(again)
    assert first.history[-1]["loss"] == again.history[-1]["loss"] != other.history[-1]["loss"]


def test_a_resumed_run_ends_as_an_uninterrupted_one(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = ("training.epochs=6", "training.rate_patience=1", "training.patience_updates=0")
    whole = quiet(small(corpus, *settings), tmp_path / "whole")

    def stop(line: str) -> None:
        if line.startswith("epoch   3"):
            raise RuntimeError("pulled the plug")

    with pytest.raises(RuntimeError, match="pulled the plug"):
        train(small(corpus, *settings), tmp_path / "cut", tell=stop)
    assert not (tmp_path / "cut").exists()
    with pytest.raises(InputError, match=r"there is an unfinished run; continue it with --resume"):
        quiet(small(corpus, *settings), tmp_path / "cut")
    resumed = quiet(small(corpus, *settings), tmp_path / "cut", resume=True)
    assert [figures(row) for row in resumed.history] == [figures(row) for row in whole.history]
    assert steady(resumed) == steady(whole)
    ours, theirs = load_file(resumed.folder / "model.safetensors"), load_file(whole.folder / "model.safetensors")
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_elmo_from_a_pair_of_files(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    options = BilmOptions(char_dim=4, filters=((1, 4), (2, 8)), n_highway=1, cell_dim=16, projection_dim=6, n_layers=2)
    pair = (tmp_path / "options.json", tmp_path / "weights.hdf5")
    write_hdf5(BiLM(options), *pair)
    name = f"elmo:{pair[0]},{pair[1]}"
    settings = ("training.epochs=2",)
    cold = quiet(small(corpus, *settings, embedders=(name,)), tmp_path / "cold", draw=draw_run)
    learned = cold.metrics["mix"][name]
    assert len(learned["weights"]) == 3
    assert sum(learned["weights"]) == pytest.approx(1.0)
    assert (cold.folder / "plots" / "mix_weights.png").exists()

    assert evaluate(cold.folder)[0] == cold.metrics["test"]
    assert next(predict(cold.folder, ["Ada lives in Oslo ."]))["tokens"][0] == "Ada"

    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("the biLM ran again over what the cache holds")

    monkeypatch.setattr(run, "reading_speed", lambda *_: {})  # which computes anew on purpose
    monkeypatch.setattr(BiLM, "forward", forbidden)
    warm = quiet(small(corpus, *settings, embedders=(name,)), tmp_path / "warm")
    assert steady(warm) | {"tokens_measured": 0} == steady(cold) | {"tokens_measured": 0}


@pytest.mark.slow
def test_memory_does_not_grow_with_epochs(learned: FinishedRun) -> None:
    peaks = [row["peak_rss_mb"] for row in learned.history]
    assert len(peaks) == 25
    assert peaks[-1] < peaks[4] + 40


@pytest.mark.parametrize("split", ["dev", "test"])
def test_a_label_that_only_dev_or_test_has_counts_as_missed(corpus: Path, tmp_path: Path, split: str) -> None:
    with (corpus / f"{split}.txt").open("a") as file:
        file.write("\nAcme B-ORG\n")
    told: list[str] = []
    outcome = train(small(corpus), tmp_path / "run", tell=told.append)
    (note,) = outcome.metrics["notes"]
    assert note.startswith("1 of ") and f"examples of {split} have a label that the training data lacks" in note
    assert f"note: {note}" in told
    assert outcome.metrics[split]["per_type"]["ORG"]["recall"] == 0 < outcome.metrics[split]["f1"]
    assert evaluate(outcome.folder, split=split)[0] == outcome.metrics[split]


def test_a_closed_label_that_only_dev_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def embedded(*_: object, **__: object) -> None:
        raise InputError("no embedder today")

    monkeypatch.setattr(run, "build_inputs", embedded)
    for name in ("train", "dev", "test"):
        (tmp_path / f"{name}.txt").write_text("1 a\n0 b\n" if name == "train" else "7 a\n")
    with pytest.raises(InputError, match=r"dev.txt:1: '7' is not a label of the training data"):
        quiet(load_experiment([], {"task": "sentiment", "data": str(tmp_path)}), tmp_path / "run")


def test_nothing_is_left_when_the_model_cannot_be_built(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise InputError("no model today")

    monkeypatch.setattr(run, "build_model", broken)
    with pytest.raises(InputError, match="no model today"):
        quiet(small(corpus), tmp_path / "run")
    assert not list(tmp_path.glob("*run*"))


def test_a_machine_of_a_slurm_cluster_gives_no_warning(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lightning warns wherever it finds the command `srun`."""
    (tmp_path / "srun").write_text("#!/bin/sh\n")
    (tmp_path / "srun").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    quiet(small(corpus, "training.epochs=1"), tmp_path / "run")
