"""Pre-train a biLM on a corpus: encode the text, train with checkpoints, write the folder."""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger
from lightning.pytorch.utilities import rank_zero_only

from elmo_tasks.core.files import disk_faults, write_text
from elmo_tasks.core.lightning_manners import interruptible, quiet_lightning
from elmo_tasks.core.memory import keep_freed_memory, peak_rss_mb
from elmo_tasks.core.outputs import output_file
from elmo_tasks.core.terminal import say
from elmo_tasks.data.lines import require_regular_file
from elmo_tasks.elmo.bilm import BiLM
from elmo_tasks.elmo.characters import encode_vocabulary
from elmo_tasks.elmo.device import accelerator
from elmo_tasks.elmo.engine.precision import has_bf16
from elmo_tasks.pretraining.bilm_folder import BILM, stages_of, write_bilm_folder
from elmo_tasks.pretraining.callbacks import HeldOut, Progress, Tell
from elmo_tasks.pretraining.checkpoint import TimedCheckpoint, WholeCheckpoints
from elmo_tasks.pretraining.corpus import (
    SPECIALS,
    Corpus,
    corpus_files,
    encode_corpus,
    is_encoded,
    open_corpus,
    vocabulary_of,
)
from elmo_tasks.pretraining.course import check_course, course_of_text, keep_course
from elmo_tasks.pretraining.curve import read_curve
from elmo_tasks.pretraining.evaluation import evaluate_bilm
from elmo_tasks.pretraining.initial_weights import initialise
from elmo_tasks.pretraining.module import Pretraining, Schedule, WindowStream, window_loader
from elmo_tasks.pretraining.objective import Objective
from elmo_tasks.pretraining.settings import PretrainConfig
from elmo_tasks.pretraining.start import Start, number_of_process, read_start
from elmo_tasks.pretraining.windows import Windows, classes_of
from elmo_tasks.runs.checkpoint import check_checkpoint
from elmo_tasks.runs.folder import LAST, RunFolder

Draw = Callable[[Path, Sequence[dict[str, float]]], None]
CORPUS, STREAM, LOG = "corpus", "stream.json", "log"


def pretrain(
    config: PretrainConfig,
    corpus: Sequence[str],
    output: Path,
    *,
    vocabulary: Path | None = None,
    heldout: Path | None = None,
    init: str | None = None,
    devices: int = 1,
    nodes: int = 1,
    encoding: str = "utf-8",
    resume: bool = False,
    overwrite: bool = False,
    command: str = "",
    tell: Tell = say,
    draw: Draw | None = None,
) -> dict[str, Any]:
    """Train on the files matched by the globs `corpus` and write the folder `output`. Returns the record.

    The softmax covers the words of the file `vocabulary`, else those of the softmax of `init`, else those of the corpus
    that `config` selects. With several processes, each runs this function: the first one reads and writes, the others
    wait for the corpus, take part in the training and return nothing. encoding: of all text files; draw: writes
    pictures of the training curve into a folder.

    Raises:
        InputError: the text is missing or damaged, the folder already exists or another process is writing it, `init`
            has another architecture, or the unfinished run has another configuration or corpus.
    """
    keep_freed_memory()
    for path in (*corpus_files(corpus), *([heldout] if heldout else [])):
        require_regular_file(path, "pretrain reads")
    folder = RunFolder(output, BILM, prepared=CORPUS)
    if number_of_process(devices, nodes) != 0:
        files = corpus_files(corpus)
        start = read_start(config, vocabulary, init, heldout, devices * nodes, encoding)
        text = wait_for_corpus(files, folder.work / CORPUS, encoding)
        start = dataclasses.replace(start, heldout=[])
        _train(config, text, folder, start, (devices, nodes), resume, _say_nothing)
        return {}
    with folder.claimed(resume=resume, overwrite=overwrite):
        files = corpus_files(corpus)
        start = read_start(config, vocabulary, init, heldout, devices * nodes, encoding)
        folder.begin(resume=resume)
        check_course(folder.work / STREAM, start.course)
        with disk_faults(folder.work):
            text = encode_corpus(files, folder.work / CORPUS, encoding)
        objective, words, seconds = _train(config, text, folder, start, (devices, nodes), resume, tell)
        curve = read_curve(folder.work / LOG)
        record = {
            "stages": [*stages_of(init), _stage(config, text, init, command, seconds)],
            "vocabulary": len(words),
            "peak_rss_mb": peak_rss_mb(),
            "curve": curve,
        }
        write_bilm_folder(folder.work, objective, words, record)
        if heldout is not None:
            found = evaluate_bilm(str(folder.work), heldout, encoding)
            record |= {"heldout_forward": found.forward, "heldout_backward": found.backward}
            record |= {"heldout_perplexity": found.mean, "heldout_unknown": found.unknown}
            tell(f"held-out perplexity {found.mean:.2f} (forward {found.forward:.2f}, backward {found.backward:.2f})")
            write_bilm_folder(folder.work, objective, words, record)
        with disk_faults(folder.work):
            (folder.work / "plots").mkdir(exist_ok=True)
            if draw is not None:
                draw(folder.work / "plots", curve)
        folder.finish()
        for done in (CORPUS, "checkpoints"):  # only now: if the process is killed before, the run can be resumed
            shutil.rmtree(folder.path / done, ignore_errors=True)
    tell(f"written to {output}")
    return record


def _train(
    config: PretrainConfig,
    text: Corpus,
    folder: RunFolder,
    start: Start,
    processes: tuple[int, int],
    resume: bool,
    tell: Tell,
) -> tuple[Objective, list[str], float]:
    """Build the model and train it, in every process. Returns the model, its words, and the seconds since the start."""
    words = start.words or vocabulary_of(text, config.min_count, config.n_tokens_vocab)
    if getattr(rank_zero_only, "rank", 0) == 0:
        keep_course(folder.work / STREAM, start.course | course_of_text(text.digest, words))
    tell(f"{text.n_tokens:,} tokens in {text.n_sentences:,} sentences, {len(words):,} words in the softmax")
    gpu = torch.accelerator.is_available() and accelerator()[0] != "cpu"
    if config.precision == "bf16" and not gpu and not has_bf16(torch.device("cpu")):
        tell("this processor has no bfloat16 arithmetic; --set precision=32 is several times faster on it")
    lightning.seed_everything(config.seed, verbose=False)
    objective = build_objective(config, len(words))
    if start.init is not None:
        initialise(objective, words, start.init)
    numbers = {word: number for number, word in enumerate(words)}
    windows = build_windows(config, text, numbers)
    watch: list[lightning.Callback] = [Progress(tell)]
    if start.heldout:
        watch.insert(0, HeldOut(start.heldout, numbers, config.heldout_windows, tell))
    return objective, words, fit_bilm(config, objective, windows, folder, watch, processes=processes, resume=resume)


def _stage(config: PretrainConfig, text: Corpus, init: str | None, command: str, seconds: float) -> dict[str, Any]:
    """The record of one training run in the history of a biLM."""
    options = {key: value for key, value in dataclasses.asdict(config).items() if key != "bilm"}
    return {
        "command": command,
        "init": init,
        "corpus_sha256": text.digest,
        "corpus_tokens": text.n_tokens,
        "corpus_sentences": text.n_sentences,
        "epochs": config.n_epochs,
        "config": {"architecture": config.bilm.to_dict(), **options},
        "seconds_of_last_sitting": round(seconds),
        "torch": torch.__version__,
    }


def build_windows(config: PretrainConfig, text: Corpus, numbers: Mapping[str, int]) -> Windows:
    """The windows of a text in the order of training. numbers: the class of each word of the softmax."""
    return Windows(
        text,
        classes=classes_of(text.words, numbers),
        streams=config.batch_size,
        steps=config.unroll_steps,
        seed=config.seed,
    )


def build_objective(config: PretrainConfig, vocabulary: int) -> Objective:
    """A new model to be trained."""
    compiler = None
    if config.compile:
        torch._dynamo.config.recompile_limit = 64  # one shape per word length
        compiler = torch.compile
    return Objective(
        BiLM(config.bilm),
        vocabulary=vocabulary,
        samples=min(config.n_negative_samples_batch, vocabulary),
        dropout=config.dropout,
        fresh_sentences=config.fresh_sentences,
        dtype=torch.bfloat16 if config.precision == "bf16" else torch.float32,
        compiler=compiler,
    )


def fit_bilm(
    config: PretrainConfig,
    objective: Objective,
    windows: Windows,
    folder: RunFolder,
    watch: Sequence[lightning.Callback],
    *,
    processes: tuple[int, int],
    resume: bool,
) -> float:
    """Train on all remaining windows with `processes` (devices, nodes). Returns the seconds that it took."""
    devices, nodes = processes
    total = max(1, round(config.n_epochs * windows.per_epoch))
    module = Pretraining(
        objective,
        schedule=Schedule(config.learning_rate, config.warmup, total, config.decay),
        optimizer=config.optimizer,
        clip_norm=config.all_clip_norm_val,
        seed=config.seed,
        accumulate=config.accumulate,
        windows_per_encoding=config.windows_per_encoding,
    )
    kind, one = accelerator()
    last = folder.work / LAST
    save = TimedCheckpoint(last, 60 * config.checkpoint_minutes, config.checkpoint_windows)
    started = time.perf_counter()
    with disk_faults(folder.work), quiet_lightning():
        trainer = lightning.Trainer(
            accelerator=kind,
            strategy="ddp" if devices * nodes > 1 else "auto",
            devices=devices if devices * nodes > 1 else one,
            num_nodes=nodes,
            max_epochs=1,
            logger=_loggers(folder.work),
            log_every_n_steps=min(50, total),
            callbacks=[*watch, save],
            enable_checkpointing=False,
            plugins=[WholeCheckpoints(), *([] if devices * nodes > 1 else [LightningEnvironment()])],
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        characters = encode_vocabulary(windows.corpus.words, objective.bilm.options.max_characters)
        stream = WindowStream(module, windows, characters, total)
        path = str(last) if resume and last.exists() else None
        if path is not None:
            check_checkpoint(last)
        # Set explicitly, so that torch does not warn at the first sparse gradient.
        torch.sparse.check_sparse_tensor_invariants.disable()  # type: ignore[no-untyped-call]
        with interruptible(trainer):
            trainer.fit(module, window_loader(stream), ckpt_path=path, weights_only=True)
    assert module.windows_seen == total, (module.windows_seen, total)
    return time.perf_counter() - started


def _loggers(work: Path) -> list[Logger]:
    """CSV, with a new file per start or resume, and TensorBoard if it is installed."""
    loggers: list[Logger] = [CSVLogger(work, name=LOG)]
    if find_spec("tensorboard") is not None:
        loggers.append(TensorBoardLogger(work, name="tensorboard", version=""))
    return loggers


def wait_for_corpus(files: Sequence[Path], folder: Path, encoding: str = "utf-8") -> Corpus:
    """Open the corpus that the first process encodes from the files, as soon as it is complete."""
    while not is_encoded(files, folder, encoding):
        time.sleep(0.5)
    return open_corpus(folder)


def _say_nothing(line: str) -> None:
    """The report function of all processes but the first: prints nothing."""


def write_vocabulary(
    corpus: Sequence[str], output: Path, min_count: int, *, overwrite: bool = False, encoding: str = "utf-8"
) -> str:
    """Count words and write `word count` lines, the special words first. Returns a line with the totals.

    Raises:
        InputError: there is no text, or the output already exists or cannot be written.
    """
    with (
        output_file(output, overwrite=overwrite, is_ours=_is_counted_vocabulary),
        tempfile.TemporaryDirectory() as scratch,
    ):
        with disk_faults(Path(scratch)):
            text = encode_corpus(corpus_files(corpus), Path(scratch) / "corpus", encoding)
        words = vocabulary_of(text, min_count, None)
        write_text(output, "".join(f"{word} {count}\n" for word, count in zip(words, text.counts, strict=False)))
    covered = text.counts[len(SPECIALS) : len(words)].sum() / text.n_tokens
    return f"{len(words):,} words, {100 * covered:.2f} % of {text.n_tokens:,} tokens, written to {output}"


def _is_counted_vocabulary(path: Path) -> bool:
    """Whether the first lines are the special words with their counts."""
    with path.open("rb") as file:
        first = [file.readline(100).split() for _ in SPECIALS]
    return all(line[:1] == [word.encode()] and len(line) == 2 for line, word in zip(first, SPECIALS, strict=True))
