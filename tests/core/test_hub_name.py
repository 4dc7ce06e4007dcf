"""Which names mean a repository on the Hugging Face hub, and that a local-looking path is never sent there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.paths import hub_name
from elmo_tasks.elmo.weights.resolve import folder_of, load_bilm
from elmo_tasks.embedders.transformer.pretrained import load_pretrained
from elmo_tasks.integrations.sklearn import ElmoTagger
from elmo_tasks.runs.hub import find_run
from elmo_tasks.runs.run import load as load_run


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with `models/elmo` and the file `notes`, and a hub that must not be asked."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models" / "elmo").mkdir(parents=True)
    (tmp_path / "notes").touch()

    def asked(*_: object, **__: object) -> None:
        raise AssertionError("the hub was asked")

    monkeypatch.setattr("huggingface_hub.snapshot_download", asked)
    monkeypatch.setattr("huggingface_hub.HfApi.model_info", asked)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("someone/elmo", "someone/elmo"),
        ("hf:someone/elmo", "someone/elmo"),
        ("hf:models/elmo", "models/elmo"),  # as it says so
        ("hf:runs/elmo", "runs/elmo"),
        ("models/elmoo", None),  # there is a folder `models`
        ("notes/elmo", None),
        ("runs/elmo", None),  # where `train` writes, though it is not there
        ("./someone/elmo", None),
        ("../someone/elmo", None),
        ("someone/../elmo", None),
        ("/someone/elmo", None),
        ("~/elmo", None),
        ("~someone/elmo", None),
        ("someone\\elmo", None),
        ("some/one/elmo", None),
        ("someone/elmo/", None),
        ("someone", None),
        ("hf:someone", None),
        ("hf:/someone/elmo", None),
        ("hf:", None),
        ("", None),
    ],
)
def test_what_a_name_means(given: str, meant: str | None) -> None:
    assert hub_name(given) == meant


def test_a_name_without_an_organisation_where_that_is_allowed() -> None:
    assert hub_name("bert-base-cased", bare=True) == hub_name("hf:bert-base-cased", bare=True) == "bert-base-cased"
    assert hub_name("models", bare=True) is None and hub_name("./bert", bare=True) is None


@pytest.mark.parametrize("load", [find_run, load_run, ElmoTagger.load, ElmoTagger.from_pretrained])
@pytest.mark.parametrize("name", ["models/elmoo", "runs/elmoo", "./a/b", "~/b"])
def test_no_run_of_a_local_looking_path_is_fetched(load: Callable[[str], object], name: str) -> None:
    with pytest.raises(InputError, match=rf"{name}: no such folder; .*rite hf:ORG/NAME for a run"):
        load(name)


def test_the_nearest_folder_is_named() -> None:
    with pytest.raises(InputError, match=r"no such folder; did you mean models/elmo\?"):
        find_run("models/elmoo")


@pytest.mark.parametrize("name", ["models/elmoo", "runs/elmoo", "./a/b"])
def test_no_biLM_and_no_transformer_of_a_local_looking_path_is_fetched(name: str) -> None:
    with pytest.raises(InputError, match="no biLM named .* or hf:ORG/NAME"):
        load_bilm(name)
    assert folder_of(name) is None
    pytest.importorskip("transformers")
    with pytest.raises(InputError, match=f"embedder transformer:{name}: no such folder; .*transformer:hf:ORG/NAME"):
        load_pretrained(name)


def test_what_says_that_it_is_on_the_hub_is_asked_for() -> None:
    for name in ("hf:models/elmo", "someone/elmo"):
        with pytest.raises(AssertionError, match="the hub was asked"):
            find_run(name)
        with pytest.raises(AssertionError, match="the hub was asked"):
            load_bilm(name)
