"""The Python of README.md and docs/ runs as it is written, in a folder that has the files it names."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from fenced_blocks import DOCUMENTS, ROOT, Block, fenced_blocks
from outputs import difference
from workplace import write_tweets

from elmo_tasks.elmo import Elmo
from elmo_tasks.elmo.bilm import BiLM
from elmo_tasks.elmo.options import BilmOptions
from elmo_tasks.elmo.weights.hdf5 import write_hdf5
from elmo_tasks.integrations.sklearn import ElmoTagger
from elmo_tasks.integrations.spacy import entities, vectors
from elmo_tasks.runs.experiment import load_experiment
from elmo_tasks.training.from_python import train

BLOCKS = [block for path in DOCUMENTS for block in fenced_blocks(path) if block.language == "python" and block.is_run]
# The width of the official biLMs, which the comments speak of, and little else of them.
SMALL = BilmOptions(char_dim=3, filters=((1, 4), (2, 5)), n_highway=1, cell_dim=8, projection_dim=512, n_layers=2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`options.json` and `weights.hdf5` of a small random biLM, `best.th` as AllenNLP would store a model with it,
    `runs/elmo`, a run that learned two sentences, `runs/pairs` and `runs/stories`, and a short `tweets.csv`."""
    place = tmp_path_factory.mktemp("documents")
    torch.manual_seed(0)
    write_hdf5(BiLM(SMALL), place / "options.json", place / "weights.hdf5")
    state = Elmo(place / "options.json", place / "weights.hdf5", 1).allennlp_state_dict()
    prefix = "text_field_embedder.token_embedder_elmo._elmo."
    torch.save({prefix + name: value for name, value in state.items()}, place / "best.th")
    write_tweets(place / "tweets.csv", 40)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ELMO_TASKS_CACHE", str(place.with_name("cache")))
        tagger = ElmoTagger(embedders=["random"], settings={"model.hidden": 4, "training.epochs": 1})
        (place / "runs").mkdir()
        tagger.fit([["Ada", "sees", "Rome"]] * 10, [["B-PER", "O", "B-LOC"]] * 10).save(place / "runs" / "elmo")
        for task, name in (("nli", "pairs"), ("coreference", "stories")):
            smoke = load_experiment([ROOT / "configs" / "smoke" / f"{task}.yaml"])
            train(smoke, place / "runs" / name, tell=lambda line: None)
    return place


def shapes(block: str, names: dict[str, Any]) -> list[tuple[str, tuple[int, ...], tuple[int, ...]]]:
    """Of each line whose comment says shapes: the line, a value's shape, and what the comment says of it."""
    found = []
    for line in block.splitlines():
        code, _, comment = line.partition("  # ")
        said = [tuple(int(n) for n in match.split(",") if n.strip()) for match in re.findall(r"\(([\d, ]+)\)", comment)]
        if said:
            value = names[code.split(" = ")[0]] if " = " in code else eval(code, names)
            values = value if isinstance(value, tuple) else (value,)
            found += [(line, tuple(each.shape), shape) for each, shape in zip(values, said, strict=False)]
    return found


@pytest.mark.parametrize("block", BLOCKS, ids=[block.where for block in BLOCKS])
def test_runs_and_gives_the_shapes_that_its_comments_say(
    block: Block,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert vectors.make_elmo and entities.make_elmo_ner  # the names that an installed package's entry points make known
    monkeypatch.chdir(shutil.copytree(folder, tmp_path / "here"))
    monkeypatch.setenv("ELMO_TASKS_CACHE", str(folder.with_name("cache")))
    names: dict[str, Any] = {}
    exec(compile(block.code, block.where, "exec"), names)
    wrong = [(line, got, said) for line, got, said in shapes(block.code, names) if got != said]
    assert not wrong
    printed = capsys.readouterr().out
    wrong_output = difference(block.output, printed) if block.output else None
    assert wrong_output is None, wrong_output


def test_blocks_and_shapes_are_found() -> None:
    assert len(BLOCKS) >= 10
    values = {"a": torch.zeros(2, 3), "b": torch.zeros(4)}
    assert shapes("a, b  # (2, 3), (5,)", values) == [
        ("a, b  # (2, 3), (5,)", (2, 3), (2, 3)),
        ("a, b  # (2, 3), (5,)", (4,), (5,)),
    ]
