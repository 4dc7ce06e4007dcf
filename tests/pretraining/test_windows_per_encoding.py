"""The words of several windows encoded at once: the same losses and gradients, one update of the encoder for all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import lightning
import pytest
import torch
from safetensors.torch import load_file

from elmo_tasks.core.errors import InputError
from elmo_tasks.elmo import load_bilm
from elmo_tasks.elmo.characters import encode_vocabulary
from elmo_tasks.pretraining.corpus import Corpus
from elmo_tasks.pretraining.course import check_course, course_of
from elmo_tasks.pretraining.module import Pretraining, Schedule, WindowStream, to_windows
from elmo_tasks.pretraining.objective import EncodedWords
from elmo_tasks.pretraining.run import build_objective, pretrain
from elmo_tasks.pretraining.windows import Windows

FILES = ("bilm.safetensors", "softmax-1.safetensors")


def quiet(line: str) -> None:
    pass


def assert_same_weights(ours: Path, theirs: Path, **tolerance: Any) -> None:
    for name in FILES:
        left, right = load_file(ours / name), load_file(theirs / name)
        assert left.keys() == right.keys()
        for key in left:
            torch.testing.assert_close(left[key], right[key], **tolerance)


def test_losses_and_gradients_are_those_of_single_windows(
    pretraining_config: Any, encoded_text: Corpus, windows: Windows
) -> None:
    lightning.seed_everything(1, verbose=False)
    objective = build_objective(pretraining_config(dropout=0.2), len(encoded_text.words))
    parameters = list(objective.parameters())
    characters = encode_vocabulary(encoded_text.words, objective.bilm.options.max_characters)
    group = [windows.window(number) for number in range(3)]

    def run(together: bool) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        state, results = objective.initial_state(4), []
        read = to_windows(group, characters) if together else [to_windows([one], characters)[0] for one in group]
        encoded = EncodedWords(objective.encode(read[0].characters)) if together else None
        for number, window in enumerate(read):
            torch.manual_seed(number)
            drawn = torch.Generator().manual_seed(number)
            loss, state = objective(window, state, drawn, encoded and encoded.leaf)
            loss.backward()
            results += [loss.detach(), *state]
        if encoded is not None:
            encoded.backward(1.0)
        gradients = [parameter.grad.to_dense() for parameter in parameters if parameter.grad is not None]
        objective.zero_grad()
        return results, gradients

    for ours, theirs in zip(run(together=True), run(together=False), strict=True):
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("seen", [0, 2, 3])
def test_every_window_is_read_whatever_is_encoded_at_once(
    pretraining_config: Any, encoded_text: Corpus, windows: Windows, seen: int
) -> None:
    """Windows 4 at a time, also from within a group on; the first one of a group has the words of all of them."""
    objective = build_objective(pretraining_config(), len(encoded_text.words))
    characters = encode_vocabulary(encoded_text.words, objective.bilm.options.max_characters)
    module = Pretraining(
        objective,
        schedule=Schedule(1e-3, 0, 6, 0.0),
        optimizer="adamw",
        clip_norm=1.0,
        seed=1,
        windows_per_encoding=4,
    )
    module.windows_seen = seen
    found = list(WindowStream(module, windows, characters, 6))
    assert len(found) == 6 - seen
    words = torch.zeros(0)
    for number, window in enumerate(found, seen):
        assert (len(window.characters) > 0) is (number in (seen, 4))
        words = window.characters if len(window.characters) else words
        (alone,) = to_windows([windows.window(number)], characters)
        assert torch.equal(words[window.inputs], alone.characters[alone.inputs])
        assert torch.equal(window.targets, alone.targets) and torch.equal(window.starts, alone.starts)


@pytest.mark.parametrize("optimizer", ["adamw", "adagrad"])
def test_windows_of_one_update_can_be_encoded_at_once(
    pretraining_config: Any, text: Path, tmp_path: Path, optimizer: str
) -> None:
    """Nothing is updated among them, so encoding at once changes nothing but the rounding."""
    rate = {"adamw": 5e-3, "adagrad": 0.2}[optimizer]
    changes = {"n_epochs": 1, "accumulate": 3, "optimizer": optimizer, "learning_rate": rate}
    pretrain(pretraining_config(**changes), [str(text)], tmp_path / "each", tell=quiet)
    config = pretraining_config(**changes, windows_per_encoding=3)
    pretrain(config, [str(text)], tmp_path / "once", tell=quiet)
    assert_same_weights(tmp_path / "once", tmp_path / "each", rtol=1e-3, atol=1e-4)


def test_the_encoder_is_updated_once_for_all_of_its_windows(
    pretraining_config: Any, text: Path, encoded_text: Corpus, windows: Windows, tmp_path: Path
) -> None:
    """Three windows, two at once: the layers are updated three times, the encoder twice, by hand.

    The second time the encoder has one window, and half of its gradient, as with `accumulate`.
    """
    config = pretraining_config(
        dropout=0.0,
        windows_per_encoding=2,
        optimizer="adagrad",
        learning_rate=0.2,
        all_clip_norm_val=2.0,
        n_epochs=3 / windows.per_epoch,
    )
    pretrain(config, [str(text)], tmp_path / "ours", tell=quiet)
    lightning.seed_everything(config.seed, verbose=False)
    objective = build_objective(config, len(encoded_text.words))
    objective.softmax.weight.sparse = objective.softmax.bias.sparse = False
    parameters = dict(objective.named_parameters())
    sums = {name: torch.full_like(parameter, 1.0) for name, parameter in parameters.items()}
    state = objective.initial_state(4)
    characters = encode_vocabulary(encoded_text.words, objective.bilm.options.max_characters)

    def update(name: str, gradient: torch.Tensor, rate: float) -> None:
        with torch.no_grad():
            sums[name] += gradient.square()
            parameters[name] -= rate * gradient / (sums[name].sqrt() + 1e-10)

    for group in ((0, 1), (2,)):
        waiting: dict[str, torch.Tensor] = {}
        for number in group:
            drawn = torch.Generator().manual_seed(config.seed * 1_000_003 + number)
            window = to_windows([windows.window(number)], characters)[0]
            loss, state = objective(window, state, drawn)
            gradients = dict(zip(parameters, torch.autograd.grad(10 * loss, list(parameters.values())), strict=True))
            for name in [name for name in gradients if name.startswith("bilm.token_encoder")]:
                waiting[name] = waiting.get(name, 0) + gradients.pop(name) / 2
            if number == group[-1]:
                gradients |= waiting
            norm = torch.cat([gradient.flatten() for gradient in gradients.values()]).norm().item()
            for name, gradient in gradients.items():
                factor = 2**0.5 if name in waiting else 1.0
                update(name, gradient * min(1.0, 2 / norm), 0.2 * factor)
    ours = load_bilm(str(tmp_path / "ours" / "bilm.safetensors")).state_dict()
    for name, expected in objective.bilm.state_dict().items():
        torch.testing.assert_close(ours[name], expected, rtol=1e-4, atol=1e-5)


def test_a_run_stopped_within_a_group_ends_with_the_same_weights(
    pretraining_config: Any, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = pretraining_config(windows_per_encoding=4, checkpoint_windows=3)
    pretrain(config, [str(text)], tmp_path / "whole", tell=quiet)
    step, seen = Pretraining.training_step, list[int]()

    def stop(self: Pretraining, *arguments: Any) -> None:
        seen.append(self.windows_seen)
        if self.windows_seen == 10:
            raise RuntimeError("pulled the plug")
        step(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(Pretraining, "training_step", stop)
        with pytest.raises(RuntimeError, match="pulled the plug"):
            pretrain(config, [str(text)], tmp_path / "cut", tell=quiet)
    assert seen == list(range(11))
    kept = torch.load(tmp_path / ".cut.unfinished" / "checkpoints" / "last.ckpt", weights_only=True)
    assert kept["windows_seen"] == 8  # the group's beginning: what waits for its end is in no checkpoint
    pretrain(config, [str(text)], tmp_path / "cut", resume=True, tell=quiet)
    assert_same_weights(tmp_path / "cut", tmp_path / "whole", rtol=0.0, atol=0.0)


def test_a_run_begun_before_the_setting_encodes_each_window_alone(pretraining_config: Any, tmp_path: Path) -> None:
    course = course_of(pretraining_config(), None)
    assert course.pop("windows_per_encoding") == 1
    (tmp_path / "stream.json").write_text(json.dumps(course))
    check_course(tmp_path / "stream.json", course_of(pretraining_config(), None))
    with pytest.raises(InputError, match="--resume: windows_per_encoding must be 1, as when the run began, not 8"):
        check_course(tmp_path / "stream.json", course_of(pretraining_config(windows_per_encoding=8), None))


def test_windows_are_encoded_by_whole_updates(pretraining_config: Any) -> None:
    with pytest.raises(InputError, match="windows_per_encoding=8 is not a multiple of accumulate=3; use 1 or"):
        pretraining_config(windows_per_encoding=8, accumulate=3)
