"""The taggers inside the package: by name, small, documented, and as good as their record says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from elmo_tasks.cli import main
from elmo_tasks.core.errors import InputError
from elmo_tasks.runs.experiment import recorded_beside
from elmo_tasks.runs.hub import find_run
from elmo_tasks.runs.run import load
from elmo_tasks.runs.shipped import tagger_folder, tagger_names
from tools.taggers import RECIPES, Corpus, score

RECORD = json.loads((Path(__file__).parents[2] / "results" / "taggers.json").read_text(encoding="utf-8"))["taggers"]
TEXT = "Nadia Haddad flew from Oslo to Geneva. The film was a delight."


def test_all_recipes_are_inside() -> None:
    assert tagger_names() == sorted(RECIPES) == sorted(RECORD)


@pytest.mark.parametrize("name", tagger_names())
def test_a_tagger_is_small_and_has_its_card(name: str) -> None:
    folder = tagger_folder(name)
    assert folder is not None
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 8_000_000
    card = (folder / "README.md").read_text(encoding="utf-8")
    recipe = RECIPES[name]
    for corpus in recipe.corpora:
        assert f"| {corpus.about}" in card and f"| {100 * RECORD[name]['test'][corpus.place]:.2f} |" in card
    assert recipe.limits in card and recipe.licence in card


@pytest.mark.parametrize("name", tagger_names())
def test_a_tagger_was_made_by_its_recipe(name: str) -> None:
    folder = tagger_folder(name)
    assert folder is not None
    places = [corpus.place for corpus in RECIPES[name].trained_on]
    recorded, own = recorded_beside(folder, RECIPES[name].experiment(places))
    assert recorded == own


def test_raw_text_is_tagged_with_the_base_installation() -> None:
    entities = load("ner")(TEXT)[0].entities
    assert [(entity.type, TEXT[entity.start : entity.end]) for entity in entities] == [
        ("PER", "Nadia Haddad"),
        ("LOC", "Oslo"),
        ("LOC", "Geneva"),
    ]
    assert all(0 < entity.score <= 1 for entity in entities)
    assert [tag.tag for tag in load("pos")(TEXT)[0].tags][:3] == ["PROPN", "PROPN", "VERB"]
    assert load("srl")(TEXT)[0].frames[0].predicate == "flew"
    assert load("sentiment")(TEXT)[1].label == "positive"


def test_no_compiler_is_imported_to_load_one() -> None:
    # A third of the time from `import` to the first tags, when one of the operations on the meta device asks for it.
    program = f"import sys, elmo_tasks\nfor name in {tagger_names()}:\n    elmo_tasks.load(name)\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=300)
    imported = set(done.stdout.split())
    assert "torch" in imported
    assert not imported & {"torch._dynamo", "sympy", "lightning", "datasets", "matplotlib", "pandas", "transformers"}


def test_a_run_of_that_path_comes_first_and_a_folder_of_data_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("ner").mkdir()
    assert find_run("ner") == tagger_folder("ner")
    Path("ner/model.safetensors").touch()
    assert find_run("ner") == Path("ner")


def test_the_nearest_name_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="did you mean sentiment"):
        load("sentimnet")
    assert main(["predict", "nre", "--text"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "ner, pos, sentiment, srl" in error


def _corpora() -> list[Any]:
    return [
        pytest.param(name, corpus, id=f"{name}-{corpus.place}") for name, r in RECIPES.items() for corpus in r.corpora
    ]


@pytest.mark.parametrize(("name", "corpus"), _corpora())
def test_the_first_200_sentences_score_as_recorded(
    name: str, corpus: Corpus, shared_data: Path, tmp_path: Path
) -> None:
    """Processors differ in their arithmetic, which may change a few decisions."""
    found = score(name, corpus.path(shared_data, tmp_path), 200)[RECORD[name]["headline"]]
    assert found == pytest.approx(RECORD[name]["first_200"][corpus.place], abs=0.02)
