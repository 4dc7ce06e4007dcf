"""Pre-training in several processes, killed processes, gathered updates: all end with the same weights."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from elmo_tasks.core.errors import InputError
from elmo_tasks.elmo.bilm import BiLM
from elmo_tasks.elmo.characters import encode_vocabulary
from elmo_tasks.elmo.weights.safetensors import write_safetensors
from elmo_tasks.pretraining.corpus import Corpus, encode_corpus
from elmo_tasks.pretraining.course import check_course, course_of, keep_course
from elmo_tasks.pretraining.evaluation import evaluate_bilm
from elmo_tasks.pretraining.module import Pretraining, Schedule, to_windows
from elmo_tasks.pretraining.run import build_objective, pretrain
from elmo_tasks.pretraining.windows import Windows

FILES = ("bilm.safetensors", "softmax-1.safetensors")


def command(text: Path, options: dict[str, Any], output: Path, *more: str) -> list[str]:
    file = output.with_suffix(".json")
    file.write_text(json.dumps(options))
    arguments = ["--corpus", str(text), "--config", str(file), "--output", str(output)]
    return [sys.executable, "-m", "elmo_tasks", "pretrain", *arguments, *more]


def assert_same_weights(ours: Path, theirs: Path, **tolerance: float) -> None:
    for name in FILES:
        left, right = load_file(ours / name), load_file(theirs / name)
        assert left.keys() == right.keys()
        for key in left:
            torch.testing.assert_close(left[key], right[key], **tolerance)


@pytest.mark.slow
@pytest.mark.parametrize(("optimizer", "at_once"), [("adamw", 1), ("adagrad", 1), ("adamw", 4)])
def test_two_processes_train_as_one(
    pretraining_options: dict[str, Any],
    pretraining_config: Any,
    text: Path,
    tmp_path: Path,
    optimizer: str,
    at_once: int,
) -> None:
    rate = {"adamw": 5e-3, "adagrad": 0.2}[optimizer]
    changes = {"dropout": 0.0, "n_epochs": 1, "accumulate": 2, "optimizer": optimizer, "learning_rate": rate}
    changes["windows_per_encoding"] = at_once
    one = pretrain(pretraining_config(**changes), [str(text)], tmp_path / "one", tell=lambda line: None)
    found = subprocess.run(
        command(text, pretraining_options | changes, tmp_path / "two", "--devices", "2"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    assert found.stdout.count("written to") == 1
    assert_same_weights(tmp_path / "two", tmp_path / "one", rtol=1e-3, atol=1e-4)
    two = json.loads((tmp_path / "two" / "metrics.json").read_text())
    for ours, theirs in zip(two["curve"], one["curve"], strict=True):
        assert ours["tokens"] == theirs["tokens"]
        assert ours["loss"] == pytest.approx(theirs["loss"], rel=1e-4)


def test_streams_are_shared_evenly(pretraining_config: Any, text: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="batch_size must be a multiple of 3, the number of processes .* not 4"):
        pretrain(pretraining_config(), [str(text)], tmp_path / "x", devices=3, tell=lambda line: None)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["text.txt"]


def test_an_update_is_made_of_the_mean_gradient(
    pretraining_config: Any, text: Path, encoded_text: Corpus, windows: Windows, tmp_path: Path
) -> None:
    """Three windows, two an update: the first update by hand, the second has one window and half its gradient.

    Adagrad as bilm-tf has it: the gradient is that of the loss a word times the 10 steps of a window, clipped.
    """
    config = pretraining_config(
        dropout=0.0,
        accumulate=2,
        optimizer="adagrad",
        learning_rate=0.2,
        all_clip_norm_val=2.0,
        n_epochs=3 / windows.per_epoch,
    )
    record = pretrain(config, [str(text)], tmp_path / "ours", tell=lambda line: None)
    losses: list[float] = []
    clipped = []
    lightning.seed_everything(config.seed, verbose=False)
    objective = build_objective(config, len(encoded_text.words))
    objective.softmax.weight.sparse = objective.softmax.bias.sparse = False
    parameters = list(objective.parameters())
    sums = [torch.full_like(parameter, 1.0) for parameter in parameters]
    state = objective.initial_state(4)
    characters = encode_vocabulary(encoded_text.words, objective.bilm.options.max_characters)
    for group in ((0, 1), (2,)):
        for parameter in parameters:
            parameter.grad = None
        for number in group:
            drawn = torch.Generator().manual_seed(config.seed * 1_000_003 + number)
            loss, state = objective(to_windows([windows.window(number)], characters)[0], state, drawn)
            losses.append(loss.item())
            (10 * loss / 2).backward()
        norm = torch.cat([parameter.grad.flatten() for parameter in parameters]).norm()
        clipped.append(norm.item() > 2)
        with torch.no_grad():
            for parameter, total in zip(parameters, sums, strict=True):
                gradient = parameter.grad * min(1.0, 2 / norm.item())
                total += gradient.square()
                parameter -= 0.2 * gradient / (total.sqrt() + 1e-10)
    for key, value in load_file(tmp_path / "ours" / "softmax-1.safetensors").items():
        expected = {"weight": objective.softmax.weight.weight, "bias": objective.softmax.bias.weight[:, 0]}[key]
        torch.testing.assert_close(value, expected.detach(), rtol=1e-4, atol=1e-5)
    assert any(clipped)
    assert record["curve"][-1]["loss"] == pytest.approx(losses[-1], rel=1e-4)  # of a word, not scaled


def test_a_gradient_that_is_not_finite_ends_the_run(pretraining_config: Any, text: Path, tmp_path: Path) -> None:
    config = pretraining_config(n_epochs=1)
    objective = build_objective(config, 9)
    module = Pretraining(objective, schedule=Schedule(0.1, 0, 1, 0.0), optimizer="adamw", clip_norm=1.0, seed=1)
    for parameter in objective.parameters():
        parameter.grad = torch.full_like(parameter, torch.inf)
    module.windows_seen = 4
    with pytest.raises(InputError, match=r"window 3: the gradient is (inf|nan); lower the learning rate"):
        module._update(0.1)


@pytest.mark.slow
def test_a_process_killed_at_any_moment_loses_at_most_one_interval(
    pretraining_options: dict[str, Any], pretraining_config: Any, text: Path, tmp_path: Path
) -> None:
    changes = {"n_epochs": 6, "checkpoint_windows": 4, "accumulate": 2}
    pretrain(pretraining_config(**changes), [str(text)], tmp_path / "whole", tell=lambda line: None)
    arguments = command(text, pretraining_options | changes, tmp_path / "cut", "--resume")
    last = tmp_path / ".cut.unfinished" / "checkpoints" / "last.ckpt"
    generator, kills = random.Random(5), 0
    finished = False
    while not finished:
        with subprocess.Popen(
            arguments, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"}
        ) as run:
            assert run.stdout is not None
            seen = 0
            for line in run.stdout:
                if found := re.match(r"window (\d+) of", line):
                    seen = int(found[1])
                    if kills < 2:
                        time.sleep(generator.uniform(0, 0.3))
                        run.send_signal(signal.SIGKILL)
                        break
        finished = run.returncode == 0
        if not finished:
            assert run.returncode == -signal.SIGKILL
            kills += 1
            kept = torch.load(last, weights_only=True)["windows_seen"]
            assert kept >= seen - 4 and kept % 2 == 0
    assert kills == 2
    assert_same_weights(tmp_path / "cut", tmp_path / "whole", rtol=0.0, atol=0.0)


def test_a_run_is_resumed_as_it_began(pretraining_config: Any, text: Path, tmp_path: Path) -> None:
    def stop(line: str) -> None:
        if line.startswith("window"):
            raise RuntimeError("pulled the plug")

    with pytest.raises(RuntimeError, match="pulled the plug"):
        pretrain(pretraining_config(checkpoint_windows=2), [str(text)], tmp_path / "run", tell=stop)
    for changes, message in (
        ({"seed": 2}, "--resume: seed must be 1, as when the run began, not 2; pass the same --config"),
        ({"lstm": pretraining_config().bilm.to_dict()["lstm"] | {"dim": 80}}, "--resume: bilm must be .* as when"),
    ):
        with pytest.raises(InputError, match=message):
            pretrain(pretraining_config(**changes), [str(text)], tmp_path / "run", resume=True, tell=print)
    other = tmp_path / "other.txt"
    other.write_text("the cat\n" * 50)
    with pytest.raises(InputError, match="--resume: corpus_sha256 must be .*, as when the run began"):
        pretrain(pretraining_config(), [str(other)], tmp_path / "run", resume=True, tell=print)
    course = json.loads((tmp_path / ".run.unfinished" / "stream.json").read_text())
    words = encode_corpus([text], tmp_path / "encoded").words
    (tmp_path / "words.txt").write_text("\n".join([*words[:3], *reversed(words[3:])]))
    first = tmp_path / "first"
    for given, message in (
        ({"vocabulary": tmp_path / "words.txt"}, "--resume: vocabulary_sha256 must be .*, as when the run began"),
        ({"init": str(first)}, "--resume: init must be None, as when the run began, not '.*first'"),
    ):
        write_safetensors(BiLM(pretraining_config().bilm), first / "bilm.safetensors")
        with pytest.raises(InputError, match=message):
            pretrain(pretraining_config(), [str(text)], tmp_path / "run", resume=True, tell=print, **given)
    for key in ("init", "init_digest", "vocabulary_sha256"):  # as a run of an earlier version left it
        del course[key]
    (tmp_path / ".run.unfinished" / "stream.json").write_text(json.dumps(course))
    record = pretrain(
        pretraining_config(n_epochs=3), [str(text)], tmp_path / "run", resume=True, tell=lambda line: None
    )
    assert record["stages"][0]["epochs"] == 3


def test_the_biLM_to_start_from_is_part_of_the_course(pretraining_config: Any, tmp_path: Path) -> None:
    config = pretraining_config()
    for name in ("one", "other"):
        write_safetensors(BiLM(config.bilm), tmp_path / name / "bilm.safetensors")
    shutil.copytree(tmp_path / "one", tmp_path / "moved")
    keep_course(tmp_path / "stream.json", course_of(config, str(tmp_path / "one")))
    check_course(tmp_path / "stream.json", course_of(config, str(tmp_path / "moved")))
    shutil.copy(tmp_path / "other" / "bilm.safetensors", tmp_path / "one")
    for init, message in (
        (None, "--resume: init must be '.*one', as when the run began, not None; .* --vocabulary and --init"),
        ("other", "--resume: init must be '.*one', as when the run began, not '.*other'"),
        ("one", "--resume: init_digest must be .*, as when the run began"),
    ):
        with pytest.raises(InputError, match=message):
            check_course(tmp_path / "stream.json", course_of(config, init and str(tmp_path / init)))


def test_the_softmax_keeps_the_vocabulary_of_the_model_that_is_tuned(
    pretraining_config: Any, text: Path, tmp_path: Path
) -> None:
    told: list[str] = []
    first = pretrain(pretraining_config(), [str(text)], tmp_path / "first", tell=told.append)
    other = tmp_path / "other.txt"
    other.write_text("the zebra sees a zebra\n" * 30)
    second = pretrain(
        pretraining_config(n_epochs=1, heldout_windows=3),
        [str(other)],
        tmp_path / "second",
        init=str(tmp_path / "first"),
        heldout=text,
        tell=told.append,
    )
    assert (tmp_path / "second/vocabulary.txt").read_text() == (tmp_path / "first/vocabulary.txt").read_text()
    assert [stage["corpus_sha256"] for stage in second["stages"]][:1] == [first["stages"][0]["corpus_sha256"]]
    assert len(second["stages"]) == 2 and second["heldout_unknown"] == 0
    assert "- continued from stage 1, seed" in (tmp_path / "second/README.md").read_text()
    assert sum("held-out perplexity" in line and "first 100 sentences" in line for line in told) >= 1
    assert any("heldout_forward" in row for row in second["curve"])
    assert (tmp_path / "second/plots/pretraining.png").exists() is False
    assert evaluate_bilm(str(tmp_path / "second"), other).unknown == pytest.approx(0.4)
    words = tmp_path / "words.txt"
    words.write_text("<S> 0\n</S> 0\n<UNK> 0\nzebra 60\nthe 30\n")
    third = pretrain(
        pretraining_config(n_epochs=1, n_negative_samples_batch=3),
        [str(other)],
        tmp_path / "third",
        vocabulary=words,
        tell=told.append,
    )
    assert third["vocabulary"] == 5 and evaluate_bilm(str(tmp_path / "third"), other).unknown == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("the\nzebra\n", r"words.txt:1: the first words must be <S> </S> <UNK>, not 'the zebra'"),
        ("<S>\n</S>\n<UNK>\nthe\n\na\n", r"words.txt:5: empty line"),
        ("<S>\n</S>\n<UNK>\nthe\na\nthe\n", r"words.txt:6: duplicate word 'the'"),
    ],
)
def test_faults_of_a_vocabulary(pretraining_config: Any, text: Path, tmp_path: Path, lines: str, message: str) -> None:
    (tmp_path / "words.txt").write_text(lines)
    with pytest.raises(InputError, match=message):
        pretrain(pretraining_config(), [str(text)], tmp_path / "x", vocabulary=tmp_path / "words.txt", tell=print)
    assert not (tmp_path / ".x.unfinished").exists()


def test_numbering_in_blocks_is_numbering_at_once(tmp_path: Path) -> None:
    from elmo_tasks.pretraining import corpus as module

    generator = np.random.default_rng(1)
    (tmp_path / "t.txt").write_text("\n".join(" ".join(f"w{n}" for n in generator.zipf(1.5, 7)) for _ in range(300)))
    whole = encode_corpus([tmp_path / "t.txt"], tmp_path / "whole")
    defaults = module._renumber.__defaults__
    module._renumber.__defaults__ = (64,)
    try:
        blocks = encode_corpus([tmp_path / "t.txt"], tmp_path / "blocks")
    finally:
        module._renumber.__defaults__ = defaults
    assert whole.words == blocks.words and (whole.ids == blocks.ids).all()
    assert (np.bincount(whole.ids, minlength=len(whole.words)) == whole.counts).all()
