"""The runs behind "what does ELMo buy": `python -m tools.evidence --output DIR [--only PATTERN] [--seeds N] [--list]`.

Each grid is one `elmo-tasks benchmark` in a folder of `DIR`. It skips the cells that are finished, continues those that
were interrupted, and writes a report with paired tests. Grids on text of a domain or language need a biLM, which is
pre-trained into `DIR/bilms` first, or continued if its training was interrupted. So the same command can be started
again until everything is there. The estimates are hours on two processor cores; they come from the training times in
`results/` (a run with 1 % of the data takes about a fifth of a full one), from the processor time of a training step
where there is none, and from the speed of pre-training.

The data sets are those of the documentation (`$ELMO_TASKS_DATA`). The text for pre-training is read from `--text DIR`:
`bio-*.txt.xz` and `de-*.txt.xz`, with their held-out text, `heldout-bio.txt.xz` and `heldout-de.txt.xz`. The records
are `DIR/GRID/benchmark.json`.
"""

from __future__ import annotations

import argparse
import fnmatch
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from elmo_tasks.benchmark.cell import FINISHED, Cell
from elmo_tasks.benchmark.grid import build_grid
from elmo_tasks.benchmark.identity import find_runs, state_of

BILMS = "elmo:bilms/"
"""How grids name a biLM of `TRAININGS`; `DIR` is put before `bilms`."""

_SHARES = {1: 0.2, 3: 0.3, 10: 0.6, 30: 0.8, 100: 1.0}
"""Time of a run by per cent of the training data; small data has smaller batches and longer patience."""

_WITHOUT, _WITH, _MINILM = "glove,chars", "elmo,glove,chars", "minilm,glove,chars"
_CURVE = (1, 3, 10, 30, 100)
_TWO_CLASSES = "reading.map_labels='0=0,1=0,2=drop,3=1,4=1'"
_TUNED = ("transformer.trainable=true", "transformer.layers=6", "training.epochs=5", "training.batch_size=32")


@dataclass(frozen=True)
class Grid:
    """A benchmark of one task on one data set.

    minutes: of one run on all training data; baseline: the row that the others are compared with.
    """

    name: str
    task: str
    data: str
    embedders: tuple[str, ...]
    seeds: int
    minutes: float
    baseline: str
    fractions: tuple[int, ...] = (100,)
    settings: tuple[str, ...] = ()
    config: str = ""

    def words(self, root: Path, seeds: int | None = None) -> list[str]:
        """The arguments of `elmo-tasks`. seeds: at most this many."""
        words = ["benchmark", self.task, "--data", f"{self.task}={self.data}", "--embedders", *self.names(root)]
        words += ["--seeds", str(min(self.seeds, seeds or self.seeds)), "--baseline", self.baseline]
        words += ["--fractions", *map(str, self.fractions)]
        if self.config:
            words += ["--config", f"{self.task}={self.config}"]
        for setting in self.settings:
            words += ["--set", setting]
        return [*words, "--output", str(root / self.name)]

    def names(self, root: Path) -> list[str]:
        """The embedders of each row, with the places of biLMs."""
        return [row.replace(BILMS, f"elmo:{root}/bilms/") for row in self.embedders]

    def cells(self, root: Path, seeds: int | None = None) -> list[Cell]:
        """Every run, in its order."""
        return build_grid(
            [self.task],
            embedders=self.names(root),
            seeds=min(self.seeds, seeds or self.seeds),
            fractions=self.fractions,
            data=[f"{self.task}={self.data}"],
            settings=self.settings,
            output=root / self.name,
            configs=[f"{self.task}={self.config}"] if self.config else [],
        )

    def hours(self, cell: Cell) -> float:
        """The estimated time of a run."""
        return self.minutes * _SHARES[round(cell.fraction)] / 60

    def needs(self) -> list[str]:
        """The biLMs that have to be pre-trained."""
        found = [name.removeprefix(BILMS) for row in self.embedders for name in row.split(",") if BILMS in name]
        return sorted(set(found))


@dataclass(frozen=True)
class Training:
    """The pre-training of a biLM on the files `text`, with the shape of the one inside the package."""

    name: str
    text: str
    heldout: str
    hours: float
    settings: tuple[str, ...] = ()
    start: str = ""

    def words(self, root: Path, text: Path) -> list[str]:
        """The arguments of `elmo-tasks`."""
        words = ["pretrain", "--corpus", str(text / self.text), "--heldout", str(text / self.heldout)]
        words += ["--config", "configs/pretrain/shipped.yaml", *(["--init", self.start] if self.start else [])]
        for setting in self.settings:
            words += ["--set", setting]
        return [*words, "--output", str(self.folder(root)), "--resume"]

    def folder(self, root: Path) -> Path:
        """The folder of the biLM."""
        return root / "bilms" / self.name

    def is_finished(self, root: Path) -> bool:
        """Whether the biLM is there."""
        return (self.folder(root) / "bilm.safetensors").is_file()


_CONTINUED = ("n_epochs=1", "learning_rate=1e-3", "warmup=50", "decay=0.6")
TRAININGS = (
    Training("bio-continued", "bio-*.txt.xz", "heldout-bio.txt.xz", 0.6, _CONTINUED, "shipped"),
    Training("bio", "bio-*.txt.xz", "heldout-bio.txt.xz", 2.3, ("n_epochs=4", "min_count=5")),
    Training("de", "de-*.txt.xz", "heldout-de.txt.xz", 1.8, ("n_epochs=6", "min_count=5")),
)

_BIO = (_WITHOUT, _WITH, f"{BILMS}bio-continued,glove,chars", f"{BILMS}bio,glove,chars")
GRIDS = (
    # the paper's protocols
    Grid("ner", "ner", "conll2003", ("glove", "elmo", "minilm", _WITHOUT, _WITH, _MINILM), 5, 26, _WITHOUT),
    Grid("ner-curve", "ner", "conll2003", (_WITHOUT, _WITH, _MINILM), 5, 26, _WITHOUT, _CURVE[:-1]),
    Grid("srl", "srl", "ewt-srl", ("glove", "elmo", "minilm", _WITHOUT, _WITH, _MINILM), 3, 24, _WITHOUT),
    Grid("srl-curve", "srl", "ewt-srl", (_WITHOUT, _WITH, _MINILM), 3, 24, _WITHOUT, _CURVE[:-1]),
    Grid("chunks", "ner", "conll2000", (_WITHOUT, _WITH), 3, 20, _WITHOUT, settings=("reading.dev_fraction=0.1",)),
    Grid(
        "pos",
        "tagging",
        "ud-ewt-pos",
        (_WITHOUT, _WITH),
        3,
        15,
        _WITHOUT,
        settings=("reading.columns='token=1,tag=2'",),
    ),
    # sentiment with phrases
    *(
        Grid(
            name,
            "sentiment",
            "sst_trees",
            ("glove", "elmo,glove", "minilm"),
            5,
            minutes,
            "glove",
            settings=settings,
            config="configs/sst5-bcn-phrases.yaml",
        )
        for name, minutes, settings in (("sst5-phrases", 150, ()), ("sst2-phrases", 50, (_TWO_CLASSES,)))
    ),
    # the same changes for both sides, one seed each; dev chooses
    *(
        Grid(
            f"sst5-tuning-{name}",
            "sentiment",
            "sst_trees",
            ("glove", "elmo,glove"),
            1,
            150,
            "glove",
            settings=settings,
            config="configs/sst5-bcn-phrases.yaml",
        )
        for name, settings in (
            ("dropout-0.3", ("model.dropout=0.3",)),
            ("dropout-0.2", ("model.dropout=0.2",)),
            ("rate", ("training.learning_rate=5e-4",)),
            ("layer-norm", ("elmo.layer_norm=true",)),
            ("output", ("model.elmo_at_output=true",)),
        )
    ),
    # a fine-tuned transformer: two learning rates, dev chooses
    *(
        Grid(
            f"{name}-fine-tuned-{rate}",
            task,
            data,
            ("minilm",),
            3,
            minutes,
            "minilm",
            settings=(*_TUNED, f"transformer.learning_rate={rate}", "training.final_rate=0.1"),
            config=config,
        )
        for name, task, data, minutes, config in (
            ("ner", "ner", "conll2003", 45, ""),
            ("srl", "srl", "ewt-srl", 150, ""),
            ("sst5", "sentiment", "sst5", 25, ""),
        )
        for rate in ("2e-5", "5e-5")
    ),
    # text of a domain, and another language
    *(Grid(name, "ner", name, _BIO, 3, 25, _WITHOUT, (1, 10, 100)) for name in ("bc5cdr", "ncbi_disease")),
    Grid("german", "ner", "germeval2014", ("chars", f"{BILMS}de,chars"), 3, 10, "chars", (1, 10, 100)),
)

Run = Callable[[Sequence[str]], int]


def chosen(patterns: Sequence[str]) -> list[Grid]:
    """The grids whose name matches one of the patterns (`ner*`); all without patterns."""
    return [grid for grid in GRIDS if not patterns or any(fnmatch.fnmatch(grid.name, one) for one in patterns)]


def trainings_for(grids: Sequence[Grid]) -> list[Training]:
    """The biLMs that grids need, in the order of `TRAININGS`."""
    wanted = {name for grid in grids for name in grid.needs()}
    return [training for training in TRAININGS if training.name in wanted]


def plan(grids: Sequence[Grid], trainings: Sequence[Training], root: Path, text: Path, seeds: int | None) -> list[str]:
    """One line per run: its state, its estimated hours and its command; then the hours that are left."""
    lines, left = list[str](), 0.0
    for training in trainings:
        finished = training.is_finished(root)
        left += 0.0 if finished else training.hours
        state = FINISHED if finished else "waiting"
        lines.append(f"{state:11} {training.hours:5.1f} h  {shlex.join(['elmo-tasks', *training.words(root, text)])}")
    for grid in grids:
        cells = grid.cells(root, seeds)
        runs = find_runs(cells)
        for cell in cells:
            state = state_of(cell, runs)
            left += 0.0 if state == FINISHED else grid.hours(cell)
            lines.append(f"{state:11} {grid.hours(cell):5.1f} h  {cell.command}")
    return [*lines, f"about {left:.0f} hours left"]


def execute(
    grids: Sequence[Grid], trainings: Sequence[Training], root: Path, text: Path, seeds: int | None, run: Run
) -> list[str]:
    """Run what is unfinished: biLMs, then grids, the first seed of all before the others. Returns the failed names."""
    failed = [t.name for t in trainings if not t.is_finished(root) and run(t.words(root, text))]
    most = max((min(grid.seeds, seeds or grid.seeds) for grid in grids), default=0)
    for seed in sorted({1, most}):
        for grid in grids:
            if grid.name in failed or set(grid.needs()) & set(failed):
                continue
            if seed > 1 and min(grid.seeds, seeds or grid.seeds) == 1:
                continue
            if run(grid.words(root, seed)):
                failed.append(grid.name)
    return failed


def _run(words: Sequence[str]) -> int:
    print(shlex.join(["elmo-tasks", *words]), flush=True)
    return subprocess.run([sys.executable, "-m", "elmo_tasks", *words], check=False).returncode


def main(arguments: Sequence[str] | None = None, run: Run = _run) -> int:
    """List or run the grids named on the command line. Returns 1 if one failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", metavar="DIR", type=Path, required=True, help="folder of all runs and reports")
    parser.add_argument(
        "--only", metavar="PATTERN", nargs="+", default=[], help="grids to run, such as 'ner*' german (default: all)"
    )
    parser.add_argument("--seeds", metavar="N", type=int, help="train seeds 1 to N only")
    parser.add_argument(
        "--text", metavar="DIR", type=Path, default=Path("text"), help="text for pre-training (default: text)"
    )
    parser.add_argument("--list", action="store_true", help="only list the runs, their state, hours and commands")
    options = parser.parse_args(arguments)
    grids = chosen(options.only)
    if not grids:
        parser.error(f"no grid matches {' '.join(options.only)}; there are {', '.join(grid.name for grid in GRIDS)}")
    trainings = trainings_for(grids)
    if options.list:
        print("\n".join(plan(grids, trainings, options.output, options.text, options.seeds)))
        return 0
    failed = execute(grids, trainings, options.output, options.text, options.seeds, run)
    if failed:
        print(f"failed: {', '.join(failed)}; start the command again to retry", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
