"""`--engine`, `--ray-address`, `--workers` and `--jobs`: what does not fit is one line, before any work."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from elmo_tasks.cli import main

TUNE = ["tune", "ner", "--space", "space.yaml"]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ELMO_TASKS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    Path("space.yaml").write_text("model.hidden: [3]\n", encoding="utf-8")
    Path("text.txt").write_text("Ada sees Rome\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["predict", "ner", "text.txt", "--workers", "2"], "--workers only applies to --engine ray; use --threads"),
        (["predict", "ner", "text.txt", "--engine", "ray", "--workers", "0"], "--workers must be 1 or more, not 0"),
        (["predict", "ner", "--text", "text.txt", "--engine", "ray"], "--engine ray needs one tokenised sentence per"),
        (["predict", "ner", "text.txt", "--ray-address", "here:1"], "--ray-address only applies to --engine ray; add"),
        (["benchmark", "ner", "--ray-address", "here:1"], "--ray-address only applies to --engine ray; add it, or"),
        (["benchmark", "ner", "--jobs", "0"], "--jobs must be 1 or more, not 0"),
        ([*TUNE, "--jobs", "0"], "--jobs must be 1 or more, not 0"),
        ([*TUNE, "--threads", "0"], "--threads must be 1 or more, not 0"),
        ([*TUNE, "--trials", "0"], "--trials must be 1 or more, not 0"),
        ([*TUNE, "--space", "missing.yaml"], "missing.yaml: no such configuration file"),
        ([*TUNE, "--output", "space.yaml"], "space.yaml: is a file, not a folder; choose another --output"),
        ([*TUNE, "--set", "training.epoch=1"], "unknown key 'training.epoch'; did you mean training.epochs?"),
    ],
)
def test_one_line(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    for package in ("ray", "optuna"):
        pytest.importorskip(package, reason="an extra is not installed")
    assert main(words) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert sorted(path.name for path in Path.cwd().iterdir() if path.name != "cache") == ["space.yaml", "text.txt"]


@pytest.mark.parametrize(
    ("words", "module", "message"),
    [
        (TUNE, "elmo_tasks.cli.tune", "tune needs the package optuna, which is not installed; install it with `pip"),
        (["benchmark", "ner", "--engine", "ray"], "elmo_tasks.jobs.ray_pool", "pip install 'elmo-tasks[ray]'` or"),
        (
            ["predict", "ner", "text.txt", "--engine", "ray"],
            "elmo_tasks.jobs.ray_pool",
            "--engine ray needs the package",
        ),
        ([*TUNE, "--engine", "ray"], "elmo_tasks.jobs.ray_pool", "--engine ray needs the package ray, which is not"),
    ],
)
def test_a_missing_extra_is_named(
    words: list[str],
    module: str,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(f"{module}.find_spec", lambda name: None)
    assert main(words) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_a_plain_installation_pulls_neither() -> None:
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    plain = re.search(r"^dependencies = \[\n(.*?)^\]", text, re.MULTILINE | re.DOTALL)
    assert plain is not None and "joblib" in plain[1] and not re.search("ray|optuna", plain[1])
