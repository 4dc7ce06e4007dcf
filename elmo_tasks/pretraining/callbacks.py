"""Progress reports of a pre-training run: speed, time left, held-out perplexity."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import lightning

from elmo_tasks.core.memory import return_freed_memory, rss_mb
from elmo_tasks.pretraining.module import Pretraining
from elmo_tasks.pretraining.perplexity import LanguageModel, perplexity

Tell = Callable[[str], None]


class Progress(lightning.Callback):
    """Print a line every `every` windows: loss of the sampled softmax, tokens per second, time left, memory used.

    Freed memory is returned to the system at the same time: windows differ in their number of distinct words, so
    the heap would become fragmented over thousands of windows.
    """

    def __init__(self, tell: Tell, every: int = 100) -> None:
        self.tell, self.every = tell, every
        self._since, self._started = 0, time.perf_counter()

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Start the clock."""
        assert isinstance(pl_module, Pretraining)
        self._since, self._started = pl_module.windows_seen, time.perf_counter()

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Print a line if one is due; the first line after a start or resume comes early."""
        assert isinstance(pl_module, Pretraining)
        seen, total = pl_module.windows_seen, pl_module.schedule.total
        early = seen - self._since == min(10, self.every)
        if not (early or seen % self.every == 0 or seen == total):
            return
        held = rss_mb()
        return_freed_memory()
        if not trainer.is_global_zero:
            return
        seconds = (time.perf_counter() - self._started) / max(1, seen - self._since)
        rate = trainer.world_size * batch.inputs[0].numel() / seconds
        pl_module.log("tokens_per_second", rate, rank_zero_only=True)
        pl_module.log("rss_mb", held, rank_zero_only=True)
        self.tell(
            f"window {seen} of {total}  loss {float(trainer.callback_metrics['loss']):.3f}  "
            f"{rate:,.0f} tokens/s  {(total - seen) * seconds / 60:,.0f} min left"
        )


class HeldOut(lightning.Callback):
    """Perplexity of both directions on held-out sentences, full softmax, every `every` windows."""

    def __init__(self, sentences: Sequence[Sequence[str]], vocabulary: dict[str, int], every: int, tell: Tell) -> None:
        self.sentences, self.vocabulary, self.every, self.tell = sentences, vocabulary, every, tell

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Measure if due. Process 0 does; the others wait for it at the next exchange of gradients."""
        assert isinstance(pl_module, Pretraining)
        seen = pl_module.windows_seen
        if seen % self.every or seen == pl_module.schedule.total or not trainer.is_global_zero:
            return
        softmax, bilm = pl_module.objective.softmax, pl_module.objective.bilm
        model = LanguageModel(bilm, softmax.weight.weight.detach(), softmax.bias.weight.detach()[:, 0], self.vocabulary)
        bilm.eval()
        found = perplexity(model, self.sentences)
        bilm.train()
        row = {"heldout_forward": found.forward, "heldout_backward": found.backward}
        row["tokens"] = float(seen * batch.inputs[0].numel() * trainer.world_size)
        for logger in trainer.loggers:  # a separate row: what `pl_module.log` keeps is repeated in every later row
            logger.log_metrics(row, step=seen - 1)
        self.tell(
            f"window {seen}  held-out perplexity {found.mean:.1f} "
            f"(forward {found.forward:.1f}, backward {found.backward:.1f}; first {len(self.sentences)} sentences)"
        )
