"""Messages of the command line about invalid arguments."""

from __future__ import annotations

import pytest

from elmo_tasks.cli import VERBS, main

NASTY = "a\nb\x1b[31m\u202e\x9b"


@pytest.mark.parametrize(
    "arguments",
    [
        [NASTY],
        [f"--{NASTY}"],
        ["predict", "run", "text.txt", NASTY],
        ["predict", "run", f"--{NASTY}"],
        ["predict", "run", f"--t{NASTY}"],
        ["predict", "run", f"--t=x{NASTY}"],  # --task-file, --threads or --trust
        ["predict", "run", "--threads", NASTY],
        ["evaluate", "run", "--split", NASTY],
        ["cache", NASTY],
        ["pretrain", NASTY],
        ["pretrain", "vocab", "--output", NASTY],
        ["predict", NASTY],
        ["predict", f"{NASTY}/x", NASTY],
        ["predict", ".", NASTY],
        ["evaluate", NASTY, "--output", NASTY],
        ["train", "ner", "--data", NASTY],
        ["train", NASTY],
        ["train", "ner", "--config", NASTY],
        ["train", "ner", "--set", f"{NASTY}=1"],
        ["train", "ner", "--set", f"training.epochs={NASTY}"],
        ["train", "ner", "--embedders", f"elmo:{NASTY}"],
        ["train", "ner", "--embedders", f"glove:{NASTY}"],
        ["train", "ner", "--embedders", NASTY],
        ["train", "ner", "--columns", NASTY],
        ["train", "ner", "--encoding", NASTY],
        ["embed", "random", NASTY, "--output", "out.safetensors"],
        ["embed", "random", __file__, "--output", NASTY],
        ["pretrain", "--corpus", NASTY, "--config", "x.yaml", "--output", "out"],
        ["pretrain", "eval", NASTY, NASTY],
        ["report", NASTY],
        ["probe", "--data", NASTY, "--embedders", "random"],
        ["benchmark", "--tasks", NASTY],
        ["benchmark", NASTY],
        ["push", NASTY, NASTY],
        ["similar", NASTY, NASTY],
        ["contrast", NASTY, NASTY],
        ["project", NASTY, NASTY],
        ["substitutes", NASTY, NASTY],
        ["demo", NASTY],
    ],
)
def test_one_harmless_line(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.chdir(str(tmp_path))
    monkeypatch.setenv("ELMO_TASKS_CACHE", f"{tmp_path}/cache")
    try:
        code = main(arguments)
    except SystemExit as stop:
        code = stop.code  # type: ignore[assignment]
    said = capsys.readouterr()
    assert code == 2 and all(line.isprintable() for line in said.out.split("\n"))
    assert said.err.startswith("elmo-tasks: error: ") and said.err.endswith("\n")
    assert said.err[:-1].isprintable(), said.err


@pytest.mark.parametrize("verb", [verb.__name__.rpartition(".")[2] for verb in VERBS])
def test_an_unknown_option_names_the_help_of_its_verb(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    name = "list" if verb == "listing" else verb
    with pytest.raises(SystemExit, match="2"):
        main([name, *["x"] * 3, "--no-such-option"])
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1 and "see `elmo-tasks" in err
