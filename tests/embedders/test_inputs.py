"""From names to inputs: one entry per provider, and what a name must look like."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import pytest
import torch

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.settings import bounded, to_dict
from elmo_tasks.embedders.chars import CharsInput
from elmo_tasks.embedders.inputs import FrozenInput, WordInput
from elmo_tasks.embedders.protocol import Provider, Sentences
from elmo_tasks.embedders.random import RandomEmbedder
from elmo_tasks.embedders.registry import PROVIDERS, SECTIONS, build_inputs, check_names, split_names
from elmo_tasks.embedders.words.vectors import WordVectors
from elmo_tasks.runs.experiment import Experiment, load_experiment, resolve_experiment, to_yaml


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_configuration_holds_the_settings_of_every_provider(name: str) -> None:
    """With the defaults of the provider, which are written in one place."""
    provider = PROVIDERS[name]
    held = to_dict(Experiment()).get(provider.section, {})
    assert held == asdict(provider.settings())


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "no name given; choose one or more of elmo, glove, minilm, transformer, chars, random"),
        (["chars", "chars"], "a name occurs twice in chars chars"),
        (["glvoe"], "unknown embedder 'glvoe'; did you mean glove?"),
        (["chars:3"], "'chars:3' is incomplete or must not have a colon; write chars$"),
        (["minilm:x"], "'minilm:x' is incomplete or must not have a colon; write minilm$"),
        (["glove:"], r"'glove:' is incomplete or must not have a colon; write glove\[:small\|FILE\]"),
        ([""], "unknown embedder ''"),
        (["elmo,glove,chars"], "separate embedders with spaces, not commas: --embedders elmo glove chars$"),
        (["elmo:small,glove", "chars"], "not commas: --embedders elmo:small glove$"),
        (["elmo:o.json,w.hdf5,glove"], "not commas: --embedders elmo:o.json,w.hdf5 glove$"),
    ],
)
def test_names(names: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        build_inputs(names)


def test_names_are_checked_when_an_experiment_is_resolved() -> None:
    with pytest.raises(InputError, match="separate embedders with spaces, not commas: --embedders elmo glove chars"):
        resolve_experiment("ner", given={"embedders": ["elmo,glove,chars"]})


def test_commas_that_belong_to_one_name() -> None:
    assert check_names(["elmo:o.json,w.hdf5", "glove:a,b.txt"]) == [PROVIDERS["elmo"], PROVIDERS["glove"]]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("elmo,glove,chars", ["elmo", "glove", "chars"]),
        ("elmo,glvoe", ["elmo", "glvoe"]),
        ("elmo:small,glvoe", ["elmo:small", "glvoe"]),
        ("elmo:a/o.json,a/w.hdf5,glove:x.txt", ["elmo:a/o.json,a/w.hdf5", "glove:x.txt"]),
        ("elmo:o.json,w.hdf5", ["elmo:o.json,w.hdf5"]),
        ("elmo:/data/a,b=c:d/e,glove", ["elmo:/data/a,b=c:d/e", "glove"]),
        ("chars,glove:/data/a,b,random:7", ["chars", "glove:/data/a,b", "random:7"]),
        ("elmo:here,there,chars", ["elmo:here,there", "chars"]),
        (",elmo,", ["elmo"]),
    ],
)
def test_names_with_commas_between_them_and_within(
    text: str, names: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`here,there` is a folder; none of the others exists."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here,there").mkdir()
    assert split_names(text) == names


def test_a_word_table_says_which_words_it_tunes() -> None:
    vectors = WordVectors(["a", "b", "c"], torch.zeros(3, 2), "here")
    assert WordInput("glove", vectors, ["a", "x"]).tuned_words == ("a", "x")
    assert WordInput("glove", vectors).tuned_words == CharsInput().tuned_words == ()


@dataclass(frozen=True)
class LengthSettings:
    scale: int = bounded(1, least=1)


class Lengths(RandomEmbedder):
    """A word's vector is its length, `scale` times."""

    def __init__(self, name: str, settings: LengthSettings) -> None:
        super().__init__(1, name)
        self.scale = settings.scale

    def embed(self, sentences: Sentences) -> list[torch.Tensor]:
        return [torch.tensor([[[self.scale * len(w)] for w in words]]).float() for words in sentences]  # (1, T, 1)


def test_an_embedder_is_one_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its settings have a section in every configuration, with their bounds."""
    provider = Provider(
        lambda request, settings: FrozenInput(Lengths(request.name, settings)), LengthSettings, "length", "of the word"
    )
    monkeypatch.setitem(PROVIDERS, "length", provider)
    monkeypatch.setitem(SECTIONS, "length", LengthSettings)
    experiment = load_experiment(settings=["embedders=[length]", "length.scale=2"])
    assert "\nlength:\n  scale: 2\n" in to_yaml(experiment)
    (made,) = build_inputs(experiment.embedders, experiment.embedder_settings)
    assert made.prepare([["a", "bcd"]]).take([0])[0].tolist() == [[[2.0], [6.0]]]
    with pytest.raises(InputError, match="length.scale must be a whole number of 1 or more, not 0"):
        load_experiment(settings=["length.scale=0"])
    assert "length" in SECTIONS and list(SECTIONS)[:4] == ["elmo", "glove", "transformer", "chars"]
