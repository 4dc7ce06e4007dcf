"""Train a model for a task, evaluate it and write the folder of the run."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.pytorch.callbacks import EarlyStopping, TQDMProgressBar

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.files import disk_faults, write_json, write_text
from elmo_tasks.core.lightning_manners import interruptible, quiet_lightning
from elmo_tasks.core.markdown import code_block, escape
from elmo_tasks.core.memory import keep_freed_memory, peak_rss_mb
from elmo_tasks.core.paths import cache_root, task_names
from elmo_tasks.core.seal import seal
from elmo_tasks.core.terminal import is_quiet, say
from elmo_tasks.data.catalog import load_data
from elmo_tasks.data.splits import Splits
from elmo_tasks.elmo.device import accelerator
from elmo_tasks.embedders.inputs import arithmetic_of
from elmo_tasks.embedders.registry import build_inputs
from elmo_tasks.nn.bilstm import set_precision
from elmo_tasks.runs.batches import loader, prepare
from elmo_tasks.runs.checkpoint import check_checkpoint
from elmo_tasks.runs.experiment import Experiment
from elmo_tasks.runs.folder import CHECKSUMS, LAST, RunFolder, checksums
from elmo_tasks.runs.outcomes import count_outcomes, write_outcomes
from elmo_tasks.runs.predict import predict_examples
from elmo_tasks.runs.store import Trained, build_model, load_trained, save_trained
from elmo_tasks.task import AnyTask, load_task
from elmo_tasks.text.examples import Example
from elmo_tasks.text.labels import LabelSet
from elmo_tasks.text.tokeniser import tokeniser_name
from elmo_tasks.training.checkpoints import RunCheckpoint, WholeCheckpoints
from elmo_tasks.training.costs import reading_speed, sizes
from elmo_tasks.training.epoch_lines import EpochLines, Tell
from elmo_tasks.training.fraction import draw_fraction
from elmo_tasks.training.lightning_module import TaskModule, check_selection
from elmo_tasks.training.loggers import build_loggers, check_loggers, finishing
from elmo_tasks.training.resumption import check_beginning

_NOTHING_PREDICTED = (
    "the model predicts nothing on dev, so its scores are 0; train longer (training.epochs, training.patience), use "
    "more data or add embedders"
)
_READ_BACK = 8  # number of examples of train and of dev whose predictions a loaded run must reproduce
Draw = Callable[[Path, Sequence[dict[str, float]], dict[str, Any]], None]


@dataclass(frozen=True)
class FinishedRun:
    """A finished run: its folder, the content of metrics.json, and the two score tables."""

    folder: Path
    metrics: dict[str, Any]
    reports: dict[str, str]
    history: list[dict[str, float]]


def train(
    experiment: Experiment,
    output: Path,
    *,
    splits: Splits | None = None,
    command: str = "",
    resume: bool = False,
    overwrite: bool = False,
    loggers: Sequence[str] = (),
    tell: Tell = say,
    draw: Draw | None = None,
) -> FinishedRun:
    """Run an experiment and write the folder `output`.

    The best epoch is selected on dev; test is evaluated once, after training. The folder gets its name only when it is
    complete. splits: examples to use instead of reading `experiment.data`; if their test split is empty, the run has
    no test scores. tell: receives one line per epoch; draw: draws pictures into a folder, from the figures of the
    epochs and the content of metrics.json. loggers: any of `csv`, `tensorboard`, `wandb` and `mlflow`, to log loss, dev
    score and learning rate of each epoch.

    Raises:
        InputError: the data is invalid, an embedder is missing, the folder exists, cannot be written or is being
            written by another process, the run to resume is of another experiment, or a logger is not installed.
    """
    check_loggers(loggers)
    started = time.perf_counter()
    keep_freed_memory()
    folder = RunFolder(output)
    with folder.claimed(resume=resume, overwrite=overwrite):
        task = load_task(experiment.task)
        splits = splits or load_data(experiment.data, task.read, experiment.reading)
        for split in ("train", "dev"):
            if not splits.get(split):
                raise InputError(f"{splits.origin}: the {split} split has no sentences")
        digest = splits.digest()
        labels = task.labels(splits.train)  # of all training data: a fraction may lack a label that dev has
        for split in ("dev", "test"):
            task.check(splits.get(split), labels)
        splits = replace(splits, train=draw_fraction(splits.train, experiment.training.fraction, experiment.seed))
        inputs = build_inputs(
            experiment.embedders,
            experiment.embedder_settings,
            cache_folder=cache_root() / "vectors",
            train_words=_words(splits),
        )
        folder.begin(resume=resume)
        lightning.seed_everything(experiment.seed, verbose=False)
        trained = Trained(task, experiment, labels, tuple(inputs), build_model(task, experiment, labels, inputs))
        check_selection(trained, splits.dev)
        check_beginning(folder.work, trained, digest)
        lines = EpochLines(folder.work / "epochs.csv", tell, started)
        notes = [*splits.notes, *_note_unknown(trained, splits)]
        for note in notes:
            tell(f"note: {note}")
        best_epoch = fit_model(trained, splits, folder, lines, resume=resume, loggers=loggers)
        return _conclude(trained, splits, digest, folder, lines, best_epoch, notes, command, tell, draw)


def _words(splits: Splits) -> list[str]:
    return sorted({word for example in splits.train for word in example.tokens})


def fit_model(
    trained: Trained, splits: Splits, folder: RunFolder, lines: EpochLines, *, resume: bool, loggers: Sequence[str] = ()
) -> int:
    """Train with early stopping on dev, then load the weights of the best epoch. Returns that epoch."""
    training, seed = trained.experiment.training, trained.experiment.seed
    examples = {"train": splits.train, "dev": splits.dev}
    set_precision(trained.model, training.precision)
    module = TaskModule(trained.model, trained.task, trained.labels, training, seed=seed, **examples)
    lenient = replace(trained.task, encode=partial(_encode_if_known, trained.task))
    items = {
        "train": prepare(splits.train, trained.inputs, trained.task, trained.labels),
        "dev": prepare(splits.dev, trained.inputs, lenient, trained.labels),
    }
    keep = RunCheckpoint(folder.work / "checkpoints", "best", monitor="choice")
    # Not `save_last`: Lightning writes the last checkpoint only together with the best.
    last = RunCheckpoint(folder.work / "checkpoints", "last")
    stop = EarlyStopping(
        "choice", mode="max", patience=training.patience_for(len(splits.train)).stop, check_on_train_epoch_end=True
    )
    kind, devices = accelerator()
    interactive = sys.stderr.isatty() and not is_quiet()
    resumed = folder.work / LAST if resume and (folder.work / LAST).exists() else None
    if resumed is not None:
        for path in (resumed, folder.work / "checkpoints" / "best.ckpt"):
            check_checkpoint(path)
    with quiet_lightning():
        made = build_loggers(loggers, trained.experiment, folder.work, folder.path.name)
        trainer = lightning.Trainer(
            accelerator=kind,
            devices=devices,
            max_epochs=training.epochs,
            gradient_clip_val=training.clip_norm or None,
            deterministic=True,
            logger=made or False,
            callbacks=[lines, stop, keep, last, *([TQDMProgressBar()] if interactive else [])],
            enable_progress_bar=interactive,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            default_root_dir=folder.work,
            plugins=[WholeCheckpoints(), LightningEnvironment()],  # one process, whatever SLURM says about its task
        )
    # `deterministic` fills new memory, which nothing reads.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    with disk_faults(folder.work), quiet_lightning(), interruptible(trainer), finishing(made):
        trainer.fit(
            module,
            loader(items["train"], training.batch_size_for(len(items["train"])), seed, shuffle=True),
            loader(items["dev"], 2 * training.batch_size),
            ckpt_path=None if resumed is None else str(resumed),
            weights_only=True,
        )
    best = trainer.strategy.load_checkpoint(keep.best_model_path, weights_only=True)
    trained.model.load_state_dict(
        {name.removeprefix("model."): value for name, value in best["state_dict"].items() if name.startswith("model.")}
    )
    return int(best["epoch"])


def _encode_if_known(task: AnyTask, example: Example, labels: LabelSet) -> Any:
    """The gold of a dev example, or None if it has a label that the training data lacks."""
    try:
        return task.encode(example, labels)
    except InputError:
        return None


def _note_unknown(trained: Trained, splits: Splits) -> Iterator[str]:
    """Report dev and test examples with a label that cannot be predicted."""
    for split in ("dev", "test"):
        examples = splits.get(split)
        unknown = [x for x in examples if _encode_if_known(trained.task, x, trained.labels) is None]
        if unknown:
            yield (
                f"{len(unknown)} of {len(examples)} examples of {split} have a label that the training data lacks (the "
                f"first: {unknown[0].source}); they count as misses"
            )


def _conclude(
    trained: Trained,
    splits: Splits,
    digest: str,
    folder: RunFolder,
    lines: EpochLines,
    best_epoch: int,
    notes: list[str],
    command: str,
    tell: Tell,
    draw: Draw | None,
) -> FinishedRun:
    """Evaluate, write all files and give the folder its name."""
    work, experiment, history = folder.work, trained.experiment, lines.history
    scores, reports = {}, {}
    for split in ("dev", "test") if splits.test else ("dev",):
        predicted = predict_examples(trained, splits.get(split))
        found = trained.task.score(splits.get(split), predicted)
        scores[split], reports[split] = found.as_dict(), found.report
        if split == "dev" and not any(
            trained.task.count(example, own).predicted for example, own in zip(splits.dev, predicted, strict=True)
        ):
            notes.append(_NOTHING_PREDICTED)
            tell(f"note: {_NOTHING_PREDICTED}")
        if split == "test":
            write_text(work / "predictions.test.txt", trained.task.record(splits.test, predicted))
            write_outcomes(work, count_outcomes(trained.task, splits.test, predicted))
            if trained.task.gold is not None:
                write_text(work / "gold.test.txt", trained.task.gold(splits.test))
    save_trained(work, trained)
    seal(work / "config.yaml")
    metrics: dict[str, Any] = {
        "task": trained.task.name,
        "data": experiment.data,
        "data_digest": digest,
        **({"data_parts": splits.part_records()} if splits.parts else {}),
        "seed": experiment.seed,
        "embedders": list(experiment.embedders),
        "fingerprints": {each.name: each.fingerprint for each in trained.inputs},
        "arithmetic": arithmetic_of(trained.inputs),
        "headline": trained.task.headline,
        "selected_by": experiment.training.select or trained.task.headline,
        "tokeniser": tokeniser_name(),  # for raw text that the run is applied to
        **scores,
        "mix": trained.model.mix.mix_weights(),
        "epochs": len(history),
        "best_epoch": best_epoch,
        "train_examples": len(splits.train),
        "train_fraction": experiment.training.fraction,
        **sizes(trained, work / "model.safetensors"),
        "notes": notes,
        "command": command,
        "threads": torch.get_num_threads(),
        # The rest varies between runs; everything above is the same for the same seed on the same machine.
        "seconds": time.perf_counter() - lines.started,
        "training_seconds": sum(row["seconds"] for row in history),
        "seconds_per_epoch": sorted(row["seconds"] for row in history)[len(history) // 2],
        "peak_rss_mb": peak_rss_mb(),
        **reading_speed(trained, splits.test, predict_examples),
    }
    title = f"{trained.task.name} on {experiment.data}: {' + '.join(experiment.embedders)}, seed {experiment.seed}"
    report = f"# {escape(title)}\n"
    for split, text in reports.items():
        report += f"\n## {split}\n\n{code_block(text)}"
    write_text(work / "report.md", report)
    with disk_faults(work):
        (work / "plots").mkdir(exist_ok=True)
        if draw is not None:
            draw(work / "plots", history, metrics)
    metrics[CHECKSUMS] = checksums(work)
    write_json(work / "metrics.json", metrics)
    _read_back(work, trained, [*splits.train[:_READ_BACK], *splits.dev[:_READ_BACK]])
    folder.finish()
    return FinishedRun(folder.path, metrics, reports, history)


def _read_back(work: Path, trained: Trained, examples: Sequence[Example]) -> None:
    """Load the written run like any user would and compare its predictions, before its folder gets its name.

    Raises:
        InputError: it cannot be loaded, or its predictions differ from those of the trained model.
    """
    own = None if trained.experiment.task in task_names() else trained.experiment.task
    saved = load_trained(work, cache_root() / "vectors", task_file=own, trust=True)
    if predict_examples(saved, examples) != predict_examples(trained, examples):
        raise InputError(
            f"{work}: the written run and the trained model make different predictions; check the disk and finish the "
            "run with --resume"
        )
