"""The contestants of `training.py`, one process each. A process trains on some batches per line that it is sent.

    python benchmarks/training_sides.py ours|plain TASK SETTINGS.json

`ours` is `train` as it is, with a callback of Lightning that waits for its turn; evaluation on dev is not part of it.
`plain` is the NER model in plain PyTorch, on the same batches. `training_flair.py` is Flair's.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from elmo_tasks.core.paths import let_waiting_threads_sleep

if __name__ == "__main__" and sys.argv[1] == "ours":
    let_waiting_threads_sleep()  # as the command line does before it imports PyTorch

import lightning
import torch
from lightning.pytorch.callbacks import Callback
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from torchcrf import CRF

from elmo_tasks.core.memory import keep_freed_memory
from elmo_tasks.core.paths import cache_root
from elmo_tasks.data.catalog import load_data
from elmo_tasks.embedders.registry import build_inputs
from elmo_tasks.runs.batches import loader, prepare
from elmo_tasks.runs.experiment import Experiment, resolve_experiment
from elmo_tasks.runs.store import build_model
from elmo_tasks.task import load_task
from elmo_tasks.training.fraction import draw_fraction
from elmo_tasks.training.train import train


class Turns:
    """Measures the batches of a turn, answers with a line of JSON, and waits for the next turn."""

    def __init__(self) -> None:
        self.left = self._wait()

    def batch(self, tokens: int) -> None:
        """One batch has been trained on. Ends the process when there are no more turns."""
        self.left, self.tokens = self.left - 1, self.tokens + tokens
        if not self.left:
            cpu, wall = time.process_time() - self.cpu, time.perf_counter() - self.wall
            print(json.dumps({"tokens_per_second": self.tokens / wall, "cpu_us": 1e6 * cpu / self.tokens}), flush=True)
            self.left = self._wait()

    def pause(self) -> None:
        """What follows is not measured, until `resume`."""
        self.paused = time.process_time(), time.perf_counter()

    def resume(self) -> None:
        """Measure again."""
        self.cpu += time.process_time() - self.paused[0]
        self.wall += time.perf_counter() - self.paused[1]

    def _wait(self) -> int:
        line = sys.stdin.readline()
        if not line:
            raise KeyboardInterrupt  # as a user would end `train`
        self.tokens, self.cpu, self.wall = 0, time.process_time(), time.perf_counter()
        return int(line)


class WaitForTurn(Callback):
    """Stops a Trainer after the batches of a turn, and leaves out what happens between two epochs."""

    def __init__(self) -> None:
        self.turns: Turns | None = None

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        self.turns = Turns()

    def on_validation_start(self, trainer: Any, pl_module: Any) -> None:
        assert self.turns is not None
        self.turns.pause()

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        if trainer.current_epoch:
            assert self.turns is not None
            self.turns.resume()

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        assert self.turns is not None
        self.turns.batch(int(batch.lengths.sum()))


def experiment_of(task: str, settings: dict[str, Any]) -> Experiment:
    """The experiment of a task, with the vectors that the record names."""
    config = Path(settings["config"]) if settings.get("config") else None
    given = {"data": settings["data"], **({"embedders": settings["embedders"]} if settings.get("embedders") else {})}
    return resolve_experiment(task, config, given, ["training.epochs=1000", *settings.get("set", [])])


def ours(experiment: Experiment) -> None:
    """`train`, which never comes to its end."""
    trainer = lightning.Trainer

    def with_turns(**given: Any) -> Any:
        return trainer(**{**given, "callbacks": [*given["callbacks"], WaitForTurn()]})

    lightning.Trainer = with_turns  # type: ignore[misc, assignment]
    with tempfile.TemporaryDirectory() as scratch:
        train(experiment, Path(scratch) / "run", tell=lambda line: None)


class PlainTagger(nn.Module):
    """The NER model as one writes it with PyTorch and pytorch-crf."""

    def __init__(self, mix: Any, labels: int, hidden: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.mix, self.dropout = mix, nn.Dropout(dropout)
        self.lstm = nn.LSTM(mix.width, hidden, layers, batch_first=True, bidirectional=True, dropout=dropout)
        self.emission, self.crf = nn.Linear(2 * hidden, labels), CRF(labels, batch_first=True)

    def loss(self, batch: Any) -> Tensor:
        """Mean negative log-likelihood per sentence."""
        x = self.dropout(self.mix(batch.inputs, batch.mask))
        packed = pack_padded_sequence(x, batch.lengths, batch_first=True, enforce_sorted=False)
        encoded, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True, total_length=x.shape[1])
        likelihood: Tensor = self.crf(self.emission(self.dropout(encoded)), batch.gold, batch.mask, reduction="mean")
        return -likelihood


def read_batches(experiment: Experiment) -> tuple[Any, int, Callable[[], Iterator[Any]]]:
    """The model of an experiment, its number of labels, and endless batches of its training data."""
    task = load_task(experiment.task)
    splits = load_data(experiment.data, task.read, experiment.reading)
    labels = task.labels(splits.train)
    examples = draw_fraction(splits.train, experiment.training.fraction, experiment.seed)
    words = sorted({word for example in examples for word in example.tokens})
    inputs = build_inputs(
        experiment.embedders, experiment.embedder_settings, cache_folder=cache_root() / "vectors", train_words=words
    )
    torch.manual_seed(experiment.seed)
    model = build_model(task, experiment, labels, inputs)
    batches = loader(prepare(examples, inputs, task, labels), experiment.training.batch_size, shuffle=True)

    def endless() -> Iterator[Any]:
        while True:
            yield from batches

    return model, len(labels), endless


def plain(experiment: Experiment) -> None:
    """The plain model, trained with Adam and gradient clipping."""
    own, labels, batches = read_batches(experiment)
    model = PlainTagger(own.mix, labels, **{key: experiment.model[key] for key in ("hidden", "layers", "dropout")})
    optimizer = torch.optim.Adam(model.parameters(), lr=experiment.training.learning_rate)
    turns = Turns()
    for batch in batches():
        optimizer.zero_grad()
        model.loss(batch).backward()
        nn.utils.clip_grad_norm_(model.parameters(), experiment.training.clip_norm)
        optimizer.step()
        turns.batch(int(batch.lengths.sum()))


if __name__ == "__main__":
    keep_freed_memory()
    side, name, file = sys.argv[1:]
    with suppress(KeyboardInterrupt):
        {"ours": ours, "plain": plain}[side](experiment_of(name, json.loads(Path(file).read_text("utf-8"))))
