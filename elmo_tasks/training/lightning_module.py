"""The one LightningModule that trains every task."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import lightning
import torch
from torch import Tensor

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.settings import flat, unknown_key
from elmo_tasks.nn.batch import Batch
from elmo_tasks.nn.dropout import seed_draws
from elmo_tasks.nn.finite import FiniteCheck
from elmo_tasks.runs.experiment import TrainingConfig
from elmo_tasks.runs.predict import predict_examples
from elmo_tasks.runs.store import Trained
from elmo_tasks.task import AnyTask, Prediction
from elmo_tasks.text.examples import Example
from elmo_tasks.text.labels import LabelSet

OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": partial(torch.optim.Adam, fused=True),  # takes a third of the time on a CPU
    "adadelta": partial(torch.optim.Adadelta, rho=0.95),
}


class TaskModule(lightning.LightningModule):
    """The optimiser, the penalty on the mix, and a learning rate that is halved when the dev score stops improving.

    Epochs are compared by `choice`, which is computed from the dev score, see `rank_epoch`.

    Deviation: the learning rate is controlled here and not by ReduceLROnPlateau, which Lightning steps after it has
    written the checkpoint, so that a resumed run would miss a step.
    """

    def __init__(
        self,
        model: Any,
        task: AnyTask,
        labels: LabelSet,
        training: TrainingConfig,
        *,
        train: Sequence[Example],
        dev: Sequence[Example],
        seed: int,
    ) -> None:
        super().__init__()
        self.model, self.task, self.labels, self.training_config = model, task, labels, training
        self.train_examples, self.dev_examples, self.seed = train, dev, seed
        self.rate, self.best, self.waited = training.learning_rate, -math.inf, 0
        self.first: float | None = None  # the dev score of the first epoch
        self.rate_patience = training.patience_for(len(train)).rate
        self._decoded: dict[int, Prediction] = {}
        self._losses: list[tuple[Tensor, int]] = []  # of the batches of an epoch, with the number of examples
        self._dev_losses: list[tuple[float, int]] = []
        self._sources: list[str] = []
        self._finite = FiniteCheck(self._not_finite)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """An optimiser for all trainable parameters; those with a learning rate of their own are separate groups."""
        own = self.model.mix.own_rates()
        apart = {id(parameter) for _, parameters in own for parameter in parameters}
        rest = [p for p in self.parameters() if p.requires_grad and id(p) not in apart]
        groups = [{"params": rest, "share": 1.0, "warmup": 0}]
        for rate, parameters in own:
            share = rate.learning_rate / self.training_config.learning_rate
            groups.append({"params": parameters, "share": share, "warmup": rate.warmup})
        return OPTIMIZERS[self.training_config.optimizer](groups, lr=self.rate)

    def on_fit_start(self) -> None:
        """Train no further epochs if the run had already stopped early before it was interrupted.

        Lightning (2.6) restores the number of epochs without a better score, but not the fact that it had stopped.
        """
        stop = self.trainer.early_stopping_callback
        if stop is not None and stop.wait_count >= stop.patience:
            self.trainer.should_stop = True

    def on_train_epoch_start(self) -> None:
        """Forget the losses of the last epoch."""
        self._losses.clear()

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Set the learning rates of the optimiser."""
        rate = self.rate * self.training_config.rate_share(self.current_epoch)
        for group in self.trainer.optimizers[0].param_groups:
            warmth = min(1.0, (self.global_step + 1) / max(1, group.get("warmup", 0)))
            group["lr"] = rate * group.get("share", 1.0) * warmth

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """The loss of a batch. Raises InputError, naming the sentences, if it is not finite, see `FiniteCheck`."""
        # Each step has its own seed, so that a resumed run draws the same numbers.
        seed_draws((self.seed * 1_009 + self.current_epoch) * 1_000_003 + batch_idx, self.device)
        loss: Tensor = self.model.loss(batch)
        self._sources = list(dict.fromkeys(self.train_examples[index].source for index in batch.indices))
        self._finite.add(loss, ("loss", self.current_epoch, self._sources))
        self._losses.append((loss.detach(), len(batch.indices)))
        penalty: Tensor = self.training_config.mix_l2 * self.model.mix.mix_penalty()
        return loss + penalty

    def configure_gradient_clipping(
        self,
        optimizer: torch.optim.Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip the global norm. Raises InputError if it is not finite, on the CPU before the weights are updated."""
        trained = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        norm = torch.nn.utils.clip_grad_norm_(trained, gradient_clip_val or math.inf)
        self._finite.add(norm, ("gradient", self.current_epoch, self._sources))

    def _not_finite(self, what: tuple[str, int, list[str]], value: float) -> None:
        """Raises InputError, naming the sentences of the batch, which a resumed run would reach again."""
        name, epoch, sources = what
        some = ", ".join(sources[:3]) + (", ..." if len(sources) > 3 else "")
        kept = "; the unfinished run is kept, pass --overwrite to start again" if epoch else ""
        raise InputError(
            f"epoch {epoch}: the {name} is {value} on a batch with {some}; lower training.learning_rate or check these "
            f"sentences{kept}"
        )

    def on_validation_epoch_start(self) -> None:
        """Look at the values of the training steps of this epoch, before its score can select it."""
        self._finite.look()

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Decode a batch of the dev split. Its loss is computed only until an epoch beats the first one."""
        if self.best <= 0 and batch.gold is not None:
            self._dev_losses.append((float(self.model.loss(batch)), len(batch.indices)))
        for index, output in zip(batch.indices, self.model.decode(batch), strict=True):
            self._decoded[index] = self.task.decode(output, self.labels)

    def on_validation_epoch_end(self) -> None:
        """Score the dev split; halve the learning rate if it has not improved for `rate_patience` epochs."""
        scores = self.task.score(self.dev_examples, [self._decoded[index] for index in range(len(self.dev_examples))])
        self._decoded.clear()
        value = float(flat(scores.as_dict()).get(self.training_config.select or self.task.headline, 0.0))
        total = sum(count for _, count in self._dev_losses)
        loss = sum(loss * count for loss, count in self._dev_losses) / total if total else math.inf
        self._dev_losses.clear()
        self.first = value if self.first is None else self.first
        choice = rank_epoch(value, self.first, loss)
        examples = sum(count for _, count in self._losses)
        self.log("loss", sum(loss * count for loss, count in self._losses) / examples, prog_bar=True)
        self.log("dev", value, prog_bar=True)
        self.log("choice", choice, logger=False)
        self.log("rate", self.rate * self.training_config.rate_share(self.current_epoch))
        self.waited = 0 if choice > self.best else self.waited + 1
        self.best = max(self.best, choice)
        if self.waited and self.waited % self.rate_patience == 0:
            self.rate /= 2

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Store the state of the learning rate."""
        self._finite.look()
        checkpoint["plateau"] = [self.rate, self.best, self.waited, self.first]

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Restore the state of the learning rate."""
        self.rate, self.best, self.waited, self.first = checkpoint["plateau"]


def rank_epoch(score: float, first: float, loss: float) -> float:
    """Rank an epoch: by its dev score, or by the loss if the score equals that of the first epoch.

    A model that at first predicts nothing, or only one class, has the same score for many epochs while it learns; its
    falling loss shows that training should continue.

    Args:
        score: dev score of this epoch.
        first: dev score of the first epoch.
        loss: mean loss on dev, only needed if `score == first`.

    Returns:
        A number above 0 if the score is better than that of the first epoch, between -1 and 0 if equal, below -1 if
        worse. It is compared as a float32, so that tiny differences do not separate the three ranges.
    """
    if score > first:
        return score - first
    if score < first:
        return score - first - 1.0
    return -(loss / (1.0 + loss)) if 0 <= loss < math.inf else -1.0


def check_selection(trained: Trained, dev: Sequence[Example]) -> None:
    """Raises InputError if `training.select` is not one of the task's scores, determined with the untrained model."""
    name = trained.experiment.training.select
    if not name:
        return
    scores = flat(trained.task.score(dev, predict_examples(trained, dev)).as_dict())
    trained.model.train()
    known = sorted((key for key, value in scores.items() if isinstance(value, float)), key=lambda key: "." in key)
    if name not in known:
        raise InputError(f"training.select: {unknown_key(name, known)}")
