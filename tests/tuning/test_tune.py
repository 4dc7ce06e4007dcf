"""A search end to end: it goes on after a kill, prunes, fails politely, and its best configuration trains."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from elmo_tasks.core.errors import InputError
from elmo_tasks.jobs.pool import SerialPool, WorkerDied
from elmo_tasks.runs.experiment import resolve_experiment
from elmo_tasks.tuning.space import Choices, read_space

optuna = pytest.importorskip("optuna", reason="the extra `tune` is not installed")

from elmo_tasks.tuning.search import Search, open_storage, settings_of  # noqa: E402
from elmo_tasks.tuning.trial import FAILED, FINISHED, PRUNED, Trial, Tried, run_trial  # noqa: E402
from elmo_tasks.tuning.tune import Subject, tune  # noqa: E402

SPACE = """
training.learning_rate: {low: 0.0001, high: 0.05, log: true}
model:
  hidden: [3, 4]
"""


class InThisProcess(SerialPool[Trial, Tried]):
    """Runs trials without a process each, and keeps their names; `stop` raises when so many have run."""

    def __init__(self, stop: int = 1000) -> None:
        super().__init__(self.run)
        self.ran: list[str] = []
        self.stop = stop

    def run(self, trial: Trial) -> Tried:
        if len(self.ran) == self.stop:
            raise KeyboardInterrupt
        self.ran.append(trial.name)
        return run_trial(trial)


Searching = Callable[..., None]


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with 12 sentences of train, 4 of dev, and a test file that is damaged."""
    monkeypatch.setenv("ELMO_TASKS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("ELMO_TASKS_DATA", raising=False)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    folder = tmp_path / "corpus"
    folder.mkdir()
    for split, count in (("train", 12), ("dev", 4)):
        rows = [f"Ada{n} B-PER\nsees O\nRome{n} B-LOC\n" for n in range(count)]
        (folder / f"{split}.txt").write_text("\n".join(rows), encoding="utf-8")
    (folder / "test.txt").write_text("Ada\n", encoding="utf-8")
    (tmp_path / "space.yaml").write_text(SPACE, encoding="utf-8")
    return folder


@pytest.fixture
def search(corpus: Path, tmp_path: Path) -> Searching:
    """Run a search with `random` in `tmp_path / name`."""

    def run(name: str, trials: int, embedders: Sequence[str] = ("random",), epochs: int = 2, **options: Any) -> None:
        settings = (f"training.epochs={epochs}", "training.min_updates=2", *options.pop("settings", ()))
        tune(
            Subject("ner", {"data": str(corpus)}, settings),
            options.pop("space", None) or read_space(tmp_path / "space.yaml"),
            [(each,) for each in embedders],
            tmp_path / name,
            trials=trials,
            **options,
        )

    return run


def record(folder: Path) -> list[dict[str, Any]]:
    """The combinations of a search without what differs from run to run."""
    entries: list[dict[str, Any]] = json.loads((folder / "tuning.json").read_text())["combinations"]
    for entry in entries:
        for trial in (entry["best"], *entry["trials"]):
            trial.pop("seconds", None)
    return entries


def test_equally_many_trials_of_each_combination(search: Searching, corpus: Path, tmp_path: Path) -> None:
    """The test split, which cannot be read, is not read; the best configuration makes the experiment of the best."""
    pool = InThisProcess()
    search("out", 3, ("random", "chars"), pool=pool, command="elmo-tasks tune ner")
    assert pool.ran == [f"{name}-{number:04d}" for number in range(3) for name in ("random", "chars")]
    entries = record(tmp_path / "out")
    assert [(entry["embedders"], len(entry["trials"])) for entry in entries] == [(["random"], 3), (["chars"], 3)]
    best = max((entry["best"] for entry in entries), key=lambda trial: trial["dev"])
    made = resolve_experiment("ner", tmp_path / "out" / "best.yaml")
    assert made.data == str(corpus) and made.model["hidden"] == best["settings"]["model.hidden"]
    assert made.training.learning_rate == best["settings"]["training.learning_rate"]
    assert (tmp_path / "out" / "best-random.yaml").exists() and (tmp_path / "out" / "best-chars.yaml").exists()
    kept = {path.name for path in (tmp_path / "out" / "trials").iterdir()}
    assert kept == {f"{entry['embedders'][0]}-{entry['best']['number']:04d}" for entry in entries}
    for name in ("report.md", "report.html"):
        text = (tmp_path / "out" / name).read_text()
        assert "elmo-tasks tune ner" in text and "Importance of the settings" in text and "learning_rate" in text


def test_a_search_goes_on_as_if_it_had_not_been_interrupted(search: Searching, tmp_path: Path) -> None:
    search("whole", 5, pool=InThisProcess())
    first, second = InThisProcess(stop=2), InThisProcess()
    with pytest.raises(KeyboardInterrupt):
        search("parts", 5, pool=first)
    search("parts", 5, pool=second)
    assert first.ran + second.ran == [f"random-{number:04d}" for number in range(5)]
    assert record(tmp_path / "parts") == record(tmp_path / "whole")
    third = InThisProcess()
    search("parts", 6, pool=third)
    assert third.ran == ["random-0005"]


def test_a_finished_trial_that_was_not_recorded_is_not_trained_again(search: Searching, tmp_path: Path) -> None:
    """The search was killed between the two."""
    before: list[int] = []

    class Killed(InThisProcess):
        def run(self, trial: Trial) -> Tried:
            super().run(trial)
            before.append((trial.folder / "metrics.json").stat().st_mtime_ns)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search("out", 1, pool=Killed())
    search("out", 1, pool=InThisProcess())
    after = (tmp_path / "out" / "trials" / "random-0000" / "metrics.json").stat().st_mtime_ns
    assert before == [after]


def test_a_trial_is_asked_from_the_known_ones_alone(tmp_path: Path) -> None:
    """Also once all have ended, as after a kill of two at a time."""
    storage = open_storage(tmp_path / "trials.db")
    distribution = optuna.distributions.FloatDistribution(0.0, 1.0)
    one = Search("a", {"x": distribution}, 1, storage)
    asked = []
    for number in range(14):
        params, past = one.ask(number, max(0, number - 1))
        assert len(past) == max(0, number - 1)
        asked.append(params)
        one.tell(params, Tried(FINISHED, params["x"], (params["x"],), 1.0))
    again = Search("a", {"x": distribution}, 1, storage)
    assert [again.ask(number, max(0, number - 1))[0] for number in range(14)] == asked
    assert Search("b", {"x": distribution}, 2, storage).ask(0, 0)[0] != asked[0]


def test_a_trial_that_falls_behind_is_pruned(search: Searching, tmp_path: Path) -> None:
    """Five finished trials are better at every epoch; an unfinished run that is already behind stops at once."""
    pool = InThisProcess()
    trials = list[Trial]()
    run = pool.run
    pool._function = lambda trial: trials.append(trial) or run(trial)  # type: ignore[func-returns-value]
    search("out", 1, epochs=4, pool=pool)
    good = tuple(
        optuna.trial.create_trial(value=1.0, intermediate_values=dict.fromkeys(range(4), 2.0)) for _ in range(5)
    )
    (trial,) = trials
    other = Trial("behind", trial.root, trial.experiment, past=good)
    tried = run_trial(other)
    assert tried.state == PRUNED and len(tried.epochs) == 2 and tried.score == max(tried.epochs)
    assert run_trial(other).epochs == tried.epochs  # from its checkpoint
    assert run_trial(Trial("kept", trial.root, trial.experiment, past=good, prune=False)).state == FINISHED


def test_a_trial_that_fails_is_one_of_the_trials(search: Searching, tmp_path: Path) -> None:
    class Broken(InThisProcess):
        def run(self, trial: Trial) -> Tried:
            if not self.ran:
                self.ran.append(trial.name)
                raise WorkerDied("the process was killed by signal 9")
            return super().run(trial)

    search("out", 2, pool=Broken())
    (entry,) = record(tmp_path / "out")
    assert [trial["state"] for trial in entry["trials"]] == [FAILED, FINISHED]
    assert "killed by signal 9; see" in (tmp_path / "out" / "report.md").read_text()


def test_where_no_trial_finishes(search: Searching) -> None:
    message = r"no trial of random has finished; the first: training.select: unknown key 'f2'.* \(logs in .*logs"
    with pytest.raises(InputError, match=message):
        search("out", 2, settings=["training.select=f2"], pool=InThisProcess())


def test_data_that_is_damaged_or_has_changed(search: Searching, corpus: Path, tmp_path: Path) -> None:
    """Where they are does not matter."""
    search("out", 1, pool=InThisProcess())
    text = (corpus / "dev.txt").read_text()
    (corpus / "dev.txt").write_text(text.replace("sees O", "sees B-LOC", 1))
    with pytest.raises(InputError, match="the search there has other data; choose another --output, or start again"):
        search("out", 1, pool=InThisProcess())
    (corpus / "dev.txt").write_text("Ada\n")
    with pytest.raises(InputError, match="dev.txt:1: at least 2 columns are needed"):
        search("out", 1, pool=InThisProcess())


def test_another_search_in_the_folder(search: Searching, tmp_path: Path) -> None:
    search("out", 1, pool=InThisProcess())
    with pytest.raises(InputError, match="the search there has other space; choose another --output, or start again"):
        search("out", 1, space={"model.hidden": Choices((3,))}, pool=InThisProcess())
    with pytest.raises(InputError, match="the search there has other experiments and seed"):
        search("out", 1, epochs=3, seed=2, pool=InThisProcess())
    pool = InThisProcess()
    search("out", 1, space={"model.hidden": Choices((3,))}, overwrite=True, pool=pool)
    assert pool.ran == ["random-0000"]
    (tmp_path / "out" / "trials.db").write_text("no such file")
    with pytest.raises(InputError, match=r"trials.db: cannot be used as the record of a search \(.*pass --overwrite"):
        search("out", 1, space={"model.hidden": Choices((3,))}, pool=pool)


def test_numbers_below_one_and_combinations_given_twice(search: Searching) -> None:
    with pytest.raises(InputError, match="--trials must be 1 or more, not 0"):
        search("out", 0)
    with pytest.raises(InputError, match="--jobs must be 1 or more, not 0"):
        search("out", 1, jobs=0)
    with pytest.raises(InputError, match="--embedders: a combination is given twice; give each once"):
        search("out", 1, ("random", "random"))


def test_values_that_are_lists() -> None:
    space = {"model.filters": Choices(([1, 2], [3])), "x": Choices((True, 1))}
    assert settings_of({"model.filters": "[1, 2]", "x": True}, space) == {"model.filters": [1, 2], "x": True}


@pytest.mark.slow
def test_in_processes_two_at_a_time(search: Searching, tmp_path: Path) -> None:
    """The same as in this process with two at a time, whichever of them is the faster."""
    search("one", 3, ("random", "chars"), jobs=2)
    search("two", 3, ("random", "chars"), jobs=2)
    assert record(tmp_path / "one") == record(tmp_path / "two")
