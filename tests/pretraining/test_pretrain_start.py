"""What pre-training starts from: faults are told before the text is read."""

from __future__ import annotations

import dataclasses
import errno
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch.utilities import rank_zero_only
from safetensors.torch import load_file

import elmo_tasks.pretraining.run as pretrain_run
from elmo_tasks.cli import build_parser
from elmo_tasks.core.errors import InputError
from elmo_tasks.elmo.bilm import BiLM
from elmo_tasks.elmo.weights.safetensors import write_safetensors
from elmo_tasks.pretraining.checkpoint import TimedCheckpoint
from elmo_tasks.pretraining.corpus import encode_corpus, is_encoded
from elmo_tasks.pretraining.initial_weights import check_options
from elmo_tasks.pretraining.start import number_of_process
from elmo_tasks.runs.folder import LAST, RunFolder

SLURM = {"NTASKS": "4", "NTASKS_PER_NODE": "2", "PROCID": "3", "LOCALID": "1", "NODEID": "1", "JOB_NAME": "x"}


def quiet(line: str) -> None:
    pass


@pytest.mark.parametrize(
    ("file", "lines", "given", "message"),
    [
        ("h.txt", None, "heldout", r"h\.txt: no such file"),
        ("h.txt", "\n\n", "heldout", r"h\.txt: contains no words"),
        ("h.txt", "a b\nc\0d\n", "heldout", r"h\.txt:2: binary data"),
        ("v.txt", None, "vocabulary", r"v\.txt: no such vocabulary"),
        ("v.txt", "<S>\n</S>\n<UNK>\n", "vocabulary", r"v\.txt: contains only the special words"),
        ("v.txt", "the\n", "vocabulary", r"v\.txt:1: the first words must be <S> </S> <UNK>, not 'the'"),
    ],
)
def test_faults_before_the_text_is_read(
    pretraining_config: Any,
    text: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    file: str,
    lines: str | None,
    given: str,
    message: str,
) -> None:
    def unread(*_: object) -> None:
        raise AssertionError("the text was read")

    monkeypatch.setattr(pretrain_run, "encode_corpus", unread)
    if lines is not None:
        (tmp_path / file).write_text(lines)
    arguments: dict[str, Any] = {given: tmp_path / file}
    with pytest.raises(InputError, match=message):
        pretrain_run.pretrain(pretraining_config(), [str(text)], tmp_path / "x", **arguments)
    assert not (tmp_path / ".x.unfinished").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"activation": "tanh"}, "char_cnn.activation is 'tanh', but --config has 'relu'"),
        ({"skip_connections": False}, "lstm.use_skip_connections is False, but --config has True"),
        ({"cell_clip": None}, "lstm.cell_clip is None, but --config has 3.0"),
        ({"proj_clip": 5.0}, "lstm.proj_clip is 5.0, but --config has 3.0"),
        ({"char_dim": 9}, "char_cnn.embedding.dim is 9, but --config has 8"),
        ({"max_characters": 40}, "char_cnn.max_characters_per_token is 40, but --config has 50"),
    ],
)
def test_the_biLM_to_start_from_has_every_option_alike(
    pretraining_config: Any, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    ours = pretraining_config().bilm
    write_safetensors(BiLM(dataclasses.replace(ours, **changes)), tmp_path / "first" / "bilm.safetensors")
    with pytest.raises(InputError, match=rf"--init .*first: its {message}; set the same value in --config"):
        check_options(ours, str(tmp_path / "first"))


def test_keys_of_training_are_no_part_of_the_architecture(pretraining_config: Any, tmp_path: Path) -> None:
    ours = pretraining_config().bilm
    theirs = dataclasses.replace(ours, extra=(("n_epochs", 3),))
    write_safetensors(BiLM(theirs), tmp_path / "first" / "bilm.safetensors")
    check_options(ours, str(tmp_path / "first"))


@pytest.mark.parametrize("at", ["the end", "the last window"])
def test_a_run_that_ended_goes_on_for_more_epochs(
    pretraining_config: Any, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    changes = {"dropout": 0.0, "checkpoint_minutes": 0.0}
    whole = pretrain_run.pretrain(
        pretraining_config(n_epochs=2, **changes), [str(text)], tmp_path / "whole", tell=quiet
    )

    def killed(*_: object) -> None:
        raise RuntimeError("pulled the plug")

    with monkeypatch.context() as patch:
        if at == "the end":  # in the final evaluation
            patch.setattr(pretrain_run, "write_bilm_folder", killed)
        else:
            patch.setattr(TimedCheckpoint, "on_train_end", killed)
        with pytest.raises(RuntimeError, match="pulled the plug"):
            pretrain_run.pretrain(pretraining_config(n_epochs=1, **changes), [str(text)], tmp_path / "run", tell=quiet)
    with pytest.raises(InputError, match=r"--resume: the run has already read \d+ windows, more than the \d+ of n_ep"):
        pretrain_run.pretrain(
            pretraining_config(n_epochs=0.5, **changes), [str(text)], tmp_path / "run", resume=True, tell=quiet
        )
    record = pretrain_run.pretrain(
        pretraining_config(n_epochs=2, **changes), [str(text)], tmp_path / "run", resume=True, tell=quiet
    )
    assert record["curve"][-1]["tokens"] == whole["curve"][-1]["tokens"]
    ours, theirs = (load_file(tmp_path / name / "bilm.safetensors") for name in ("run", "whole"))
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)


def test_a_run_that_ended_is_finished_without_a_window_more(
    pretraining_config: Any, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise RuntimeError("pulled the plug")

    config = pretraining_config(n_epochs=1)
    with monkeypatch.context() as patch:
        patch.setattr(pretrain_run, "write_bilm_folder", killed)
        with pytest.raises(RuntimeError, match="pulled the plug"):
            pretrain_run.pretrain(config, [str(text)], tmp_path / "run", tell=quiet)
    told: list[str] = []
    pretrain_run.pretrain(config, [str(text)], tmp_path / "run", resume=True, tell=told.append)
    assert not any(line.startswith("window") for line in told) and (tmp_path / "run" / "bilm.safetensors").exists()


def test_a_stopped_run_keeps_its_text_and_a_finished_one_its_weights(
    pretraining_config: Any, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise RuntimeError("pulled the plug")

    def run() -> None:
        pretrain_run.pretrain(pretraining_config(n_epochs=1), [str(text)], tmp_path / "run", resume=True, tell=quiet)

    corpus = tmp_path / ".run.unfinished" / "corpus"
    with monkeypatch.context() as patch:
        patch.setattr(pretrain_run, "fit_bilm", killed)
        with pytest.raises(RuntimeError, match="pulled the plug"):
            run()
    encoded = (corpus / "ids.npy").stat().st_ino
    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "finish", killed)
        with pytest.raises(RuntimeError, match="pulled the plug"):
            run()
    assert (corpus / "ids.npy").stat().st_ino == encoded  # it was not encoded again
    assert (corpus.parent / "bilm.safetensors").exists() and (corpus.parent / LAST).exists()
    run()
    assert (tmp_path / "run" / "bilm.safetensors").exists() and not corpus.parent.exists()
    assert not (tmp_path / "run" / "corpus").exists() and not (tmp_path / "run" / LAST).parent.exists()


def test_a_full_disk_is_one_line(
    pretraining_config: Any, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("elmo_tasks.pretraining.corpus._write_array", full)
    with pytest.raises(InputError, match=r"\.x\.unfinished: no space left on this disk"):
        pretrain_run.pretrain(pretraining_config(), [str(text)], tmp_path / "x", tell=quiet)
    assert not (tmp_path / ".x.unfinished").exists()
    with pytest.raises(InputError, match="no space left on this disk"):
        pretrain_run.write_vocabulary([str(text)], tmp_path / "v", 1)


@pytest.mark.parametrize(
    ("environment", "number"),
    [
        ({}, 0),
        ({"NODE_RANK": "1"}, 2),
        ({"NODE_RANK": "1", "LOCAL_RANK": "1"}, 3),
        ({"LOCAL_RANK": "1"}, 1),
        ({"TORCHELASTIC_RUN_ID": "x", "RANK": "2", "LOCAL_RANK": "0", "GROUP_RANK": "1", "WORLD_SIZE": "4"}, 2),
        ({f"SLURM_{name}": value for name, value in SLURM.items()}, 3),
    ],
)
def test_one_process_of_all_machines_is_the_first(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], number: int
) -> None:
    monkeypatch.setattr(rank_zero_only, "rank", 0)  # and back, whatever the Trainer sets
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert number_of_process(devices=2, nodes=2) == number


def test_a_single_process_is_the_first_whatever_task_of_slurm_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rank_zero_only, "rank", 3)  # as at the import of Lightning in task 3
    for name, value in SLURM.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    assert number_of_process(devices=1, nodes=1) == 0 and rank_zero_only.rank == 0


def test_tasks_that_are_not_those_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rank_zero_only, "rank", 0)
    for name in SLURM.keys() - {"NTASKS_PER_NODE"}:
        monkeypatch.setenv(f"SLURM_{name}", SLURM[name])
    with pytest.raises(InputError, match="--devices 2 --nodes 2: You set .*--ntasks=4.* Use `--ntasks-per-node"):
        number_of_process(devices=2, nodes=2)


def test_a_process_waits_for_the_text_of_its_own_files(text: Path, tmp_path: Path) -> None:
    encode_corpus([text], tmp_path / "corpus")
    assert is_encoded([text], tmp_path / "corpus")
    text.write_text("another text\n")
    assert not is_encoded([text], tmp_path / "corpus") and not is_encoded([text], tmp_path / "nothing")
    with pytest.raises(InputError, match="gone.txt: no such file; --corpus takes files or a glob"):
        is_encoded([tmp_path / "gone.txt"], tmp_path / "corpus")


def test_the_usage_says_what_is_required(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        build_parser().parse_args(["pretrain", "--help"])
    usage = capsys.readouterr().out.split("\n\n")[0]
    assert usage.startswith("usage: elmo-tasks pretrain --corpus GLOB [GLOB ...] --config FILE -o DIR\n")
    assert usage.endswith("       elmo-tasks pretrain vocab|eval|export ...")
    (parser,) = (action.choices["pretrain"] for action in build_parser()._actions if action.choices)  # type: ignore[index]
    for action in parser._actions:
        if options := action.option_strings:
            assert any(option in usage for option in options) or "--help" in options, options
    with pytest.raises(SystemExit):
        build_parser().parse_args(["pretrain", "eval", "--help"])
    assert capsys.readouterr().out.startswith("usage: elmo-tasks pretrain eval [-h]")
