"""Asking for help loads none of the slow libraries, and applying a run loads only those that it computes with.

Asserted on what is loaded rather than on the clock.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from elmo_tasks.runs.experiment import resolve_experiment
from elmo_tasks.training.train import train

SLOW = (
    "torch",
    "lightning",
    "datasets",
    "sklearn",
    "seqeval",
    "matplotlib",
    "pandas",
    "pyarrow",
    "huggingface_hub",
    "spacy",
    "starlette",
    "uvicorn",
)

PROGRAMS = {
    "import": "import elmo_tasks",
    "import elmo": "import elmo_tasks.elmo",
    "import estimators": "import elmo_tasks.integrations.sklearn, elmo_tasks.integrations.spacy",
    "help": "from elmo_tasks.cli import main; main(['--help'])",
    "help of a verb": "from elmo_tasks.cli import main; main(['train', '--help'])",
    "list": "from elmo_tasks.cli import main; main(['list'])",
}

NOT_TO_APPLY = (
    "lightning",
    "torchmetrics",
    "transformers",
    "datasets",
    "pandas",
    "pyarrow",
    "matplotlib",
    "sklearn",
    "seqeval.metrics",
    "huggingface_hub",
    "torch._dynamo",
    "torch._inductor",
    "torch.onnx",
    "sympy",
)
"""What applying a run must not load, unless the library that it is used with loads it itself."""

APPLICATIONS = {  # the programs, one after the other in one process, and the library that they are used with
    "verbs": (
        """
        from elmo_tasks.cli import main
        for arguments in (
            ["predict", "{ner}", "{text}"],
            ["predict", "{sentiment}", "{text}"],
            ["evaluate", "{ner}"],
            ["evaluate", "{sentiment}"],
            ["embed", "elmo", "{text}", "--output", "{out}.safetensors"],
            ["embed", "glove", "{text}", "--output", "{out}.hdf5"],
        ):
            assert main(arguments) == 0
        """,
        "",
    ),
    "demo": (
        """
        import elmo_tasks.demo.server
        from elmo_tasks.demo.page import answer
        from elmo_tasks.demo.runs import load_runs
        assert "Rome" in answer(load_runs(["{ner}"]), "Ada lives in Rome .")
        """,
        "",
    ),
    "estimators": (
        """
        from elmo_tasks.integrations.sklearn import ElmoClassifier, ElmoTagger, ElmoVectorizer
        ElmoVectorizer().fit_transform(["Ada lives ."])
        ElmoTagger.load("{ner}").predict(["Ada lives ."])
        ElmoClassifier.load("{sentiment}").predict(["A warm ."])
        """,
        "sklearn.model_selection",
    ),
    "spacy": (
        """
        import spacy
        nlp = spacy.blank("en")
        nlp.add_pipe("elmo")
        nlp.add_pipe("elmo_ner", config=dict(run="{ner}"))
        nlp("Ada lives in Rome .")
        """,
        "spacy",
    ),
}


def loaded(program: str, names: tuple[str, ...]) -> set[str]:
    """Which of the modules a program has loaded at its end."""
    ending = f"import sys; print('loaded:', *[name for name in {names!r} if name in sys.modules])"
    body = textwrap.indent(textwrap.dedent(program).strip(), "    ")
    code = f"try:\n{body}\nexcept SystemExit as stop:\n    assert not stop.code, stop.code\n{ending}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].removeprefix("loaded:").split())


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_help_loads_nothing_slow(program: str) -> None:
    assert loaded(program, SLOW) == set()


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """A tiny run of `ner` and one of `sentiment`, and ten lines of text. Both runs have read the packaged GloVe."""
    place = tmp_path_factory.mktemp("applied")
    lines = {
        "ner": "Ada B-PER\nlives O\nin O\nRome B-LOC\n. O\n\n" * 10,
        "sentiment": "positive warm and clever\nnegative dull and cold\n" * 5,
    }
    found = {"text": place / "text.txt", "out": place / "out"}
    found["text"].write_text("Ada lives in Rome .\n" * 10, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ELMO_TASKS_CACHE", str(place / "cache"))
        for task, embedders in (("ner", ["elmo", "glove", "chars"]), ("sentiment", ["glove"])):
            data = place / f"{task}-data"
            data.mkdir()
            for split in ("train", "dev", "test"):
                (data / f"{split}.txt").write_text(lines[task], encoding="utf-8")
            settings = ["training.epochs=1", "model.hidden=8", "glove.trainable=false"]
            experiment = resolve_experiment(task, None, {"data": str(data), "embedders": embedders}, settings)
            found[task] = train(experiment, place / task, tell=lambda _: None).folder
        yield found


@pytest.mark.parametrize(("program", "host"), APPLICATIONS.values(), ids=APPLICATIONS.keys())
def test_applying_a_run_loads_only_what_computes(program: str, host: str, places: dict[str, Path]) -> None:
    allowed = loaded(f"import {host}", NOT_TO_APPLY) if host else set()
    assert loaded(program.format(**places), NOT_TO_APPLY) - allowed == set()
