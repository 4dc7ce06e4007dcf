"""From names to sources: one entry a provider, and what a name must look like."""

from __future__ import annotations

import inspect
from dataclasses import fields

import pytest

from elmo_tasks.core.errors import InputError
from elmo_tasks.embedders.registry import PROVIDERS, build_inputs
from elmo_tasks.runs.experiment import Experiment


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_provider_takes_the_keys_of_its_section(name: str) -> None:
    """With the same defaults, so that a source means the same with and without a configuration."""
    provider = PROVIDERS[name]
    taken = {
        key: parameter.default
        for key, parameter in inspect.signature(provider.build).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }
    section = getattr(Experiment(), provider.section, None)
    assert taken == ({field.name: getattr(section, field.name) for field in fields(section)} if section else {})


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "expected one or more of elmo, glove, minilm, transformer, chars, random, got none"),
        (["chars", "chars"], "expected each name once, got chars chars"),
        (["glvoe"], "got 'glvoe'; did you mean glove?"),
        (["chars:3"], "--embedders: expected chars, got 'chars:3'"),
        (["minilm:x"], "--embedders: expected minilm, got 'minilm:x'"),
        (["glove:"], r"--embedders: expected glove\[:FILE\], got 'glove:'"),
        ([""], "got ''"),
    ],
)
def test_names(names: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        build_inputs(names)
