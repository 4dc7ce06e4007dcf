"""The strict reader of settings: bounds, choices, limits of YAML, and where each value came from."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.settings import Layers, bounded, check, from_mapping, matching, sections, to_dict
from elmo_tasks.core.yaml_text import MOST_DEPTH, MOST_DIGITS, MOST_VALUES, parse_yaml, read_yaml
from elmo_tasks.runs.experiment import resolve_experiment


@dataclass(frozen=True)
class Inner:
    width: int = bounded(3, least=1)
    share: float | None = bounded(None, above=0, below=1)


@dataclass(frozen=True)
class Settings:
    pairs: tuple[tuple[int, int], ...]
    kind: Literal["small", "large"] = "small"
    bits: Literal["auto", "32"] = "auto"
    layers: str = matching("mix", r"mix|\d+", "mix or the number of a layer")
    inner: Inner = field(default_factory=Inner)
    parts: Any = sections({"left": Inner, "right": Inner})  # noqa: RUF009 (it returns a field)
    free: dict[str, Any] = field(default_factory=dict)


@pytest.mark.parametrize(
    ("default", "bounds"), [(0, {"least": 1}), (1.0, {"below": 1}), (float("inf"), {"least": 0}), (2, {"most": 1})]
)
def test_a_default_outside_its_own_bounds_fails_where_it_is_written(default: float, bounds: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="is outside its own bounds"):
        bounded(default, **bounds)


def test_other_mistakes_in_a_definition() -> None:
    with pytest.raises(ValueError, match="unknown bounds: min"):
        bounded(1, min=0)
    with pytest.raises(ValueError, match="'x' is not a number"):
        matching("x", r"\d", "a number")


def test_what_is_read_is_written_back() -> None:
    values = {"pairs": [[1, 2]], "kind": "large", "right": {"width": 5}, "bits": 32, "free": {"a": 1}}
    made = from_mapping(Settings, values)
    assert made.pairs == ((1, 2),) and made.bits == "32"
    assert made.parts == {"left": Inner(), "right": Inner(width=5)}
    assert list(to_dict(made)) == ["pairs", "kind", "bits", "layers", "inner", "left", "right", "free"]
    assert from_mapping(Settings, to_dict(made)) == made


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "pairs is missing; it has no default"),
        ({"pairs": [[1]]}, "pairs must be .*whole number"),
        ({"pairs": [], "kind": "smal"}, r"kind must be small or large, not 'smal'; did you mean small\?"),
        ({"pairs": [], "kind": True}, "kind must be small or large, not True"),
        ({"pairs": [], "bits": 16}, "bits must be auto or 32, not 16"),
        ({"pairs": [], "layers": "all"}, "layers must be mix or the number of a layer, not 'all'"),
        ({"pairs": [], "inner": {"width": 0}}, "inner.width must be a whole number of 1 or more, not 0"),
        ({"pairs": [], "inner": {"share": 1}}, "inner.share must be a number above 0 and below 1, not 1.0"),
        ({"pairs": [], "left": {"widht": 1}}, r"unknown key 'left.widht'; did you mean left.width\?"),
        ({"pairs": [], "parts": {}}, "unknown key 'parts'"),
        ({"pairs": [], "left": 1}, "left must have nested keys, not 1"),
        ({"pairs": [], 3: 1}, "unknown key '3'; the keys are pairs, kind"),
        ({"pairs": "x" * 200}, r"not '[x]{59}\.\.\. \(202 characters\)"),
    ],
)
def test_faults(values: dict[Any, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        from_mapping(Settings, values)


def test_settings_that_are_built_in_code_can_be_checked() -> None:
    check(Inner())
    with pytest.raises(InputError, match="width must be a whole number of 1 or more, not 0"):
        check(Inner(width=0))
    with pytest.raises(InputError, match="kind must be small or large"):
        check(Settings((), kind="huge"))  # type: ignore[arg-type]


def test_a_message_says_where_the_value_stands(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("pairs: []\ninner:\n  # a comment\n  width: 0\n")
    layers = Layers()
    layers.add_file(path)
    with pytest.raises(InputError, match=rf"^{path}:4: inner.width must be"):
        layers.read(Settings)
    layers.add_set(["inner.width=-1"])  # which wins, and does not stand in the file
    with pytest.raises(InputError, match="^inner.width must be .*, not -1"):
        layers.read(Settings)


@pytest.mark.parametrize("setting", ["inner.width", "=3", ""])
def test_set_without_a_value(setting: str) -> None:
    with pytest.raises(InputError, match="has no value; write key=value"):
        Layers().add_set([setting])


BOMB = "a: &a [x, x]\n" + "".join(
    f"{chr(ord(name) + 1)}: &{chr(ord(name) + 1)} [{', '.join([f'*{name}'] * 9)}]\n" for name in "abcdefg"
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x: " + "[" * (MOST_DEPTH + 1) + "]" * (MOST_DEPTH + 1), "c.yaml:1: .*nested more than 20 deep"),
        ("x: " + "[" * 100_000, "nested more than 20 deep"),
        ("".join(f"{' ' * depth}a:\n" for depth in range(1_000)), "nested more than 20 deep"),
        (BOMB, f"more than {MOST_VALUES:,} values"),
        ("a: &a [*a]\n", "an alias refers to itself"),
        (
            "a: &a [1]\n" + "".join(f"a{n + 1}: &a{n + 1} [*a{n or ''}]\n" for n in range(30)),
            "nested more than 20 deep",
        ),
        (f"seed: {'9' * (MOST_DIGITS + 1)}", f"a number of {MOST_DIGITS + 1:,} characters"),
        (f"seed: {'9' * 5000}", "a number of 5,000 characters"),
        (f"seed: 0x{'f' * 5000}", "a number of 5,002 characters"),
        ("seed: 1\nseed: 2\n", "c.yaml:2: .*duplicate key 'seed'"),
        ("training: {epochs: 1, epochs: 2}\n", "duplicate key 'epochs'"),
        ("seed: 1\n?\n", "c.yaml:2: .*the key '' is not a text"),
        ("yes: 1\n", "c.yaml:1: .*the key 'yes' is not a text; put it in quotes"),
        ("training: {1: 2}\n", "c.yaml:1: .*the key '1' is not a text"),
        ("data: 2024-13-45\n", "month must be in 1..12"),
        ("x: !!python/object/apply:os.system [ls]\n", "could not determine a constructor"),
        ("x: *y\n", "found undefined alias"),
        ("? [a]\n: 1\n", "not YAML"),
        ("x: \ud7ff\x00\n", "not YAML"),
        ("a: 1\n---\nb: 2\n", "another document"),
        ("1", "not a configuration"),
        ("#" * (2 << 20), "too large; a configuration has at most"),
    ],
    ids=range(22),
)
def test_yaml_within_limits(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message) as error:
        read_yaml(path)
    assert "\n" not in str(error.value)


def test_yaml_that_is_well_within_them(tmp_path: Path) -> None:
    assert parse_yaml("a: &x {b: 1}\nc: {<<: *x, d: 1e-3}\n", "t") == (
        {"a": {"b": 1}, "c": {"b": 1, "d": "1e-3"}},
        {"a": "t:1", "a.b": "t:1", "c": "t:2", "c.<<": "t:2", "c.<<.b": "t:1", "c.d": "t:2"},
    )
    path = tmp_path / "o.json"
    path.write_text('\ufeff{"a": [1, 2.5, null, "x"]}', encoding="utf-8")  # with a byte order mark
    assert read_yaml(path)[0] == {"a": [1, 2.5, None, "x"]}


@pytest.mark.parametrize(
    ("setting", "meant"),
    [
        ("epochs=3", "'epochs'; did you mean training.epochs?"),
        ("epoch=3", "'epoch'; did you mean training.epochs?"),
        ("hidden=3", "'hidden'; did you mean model.hidden?"),
        ("trainning.epochs=3", "'trainning.epochs'; did you mean training.epochs?"),
        ("training.hidden=3", "'training.hidden'; did you mean model.hidden?"),
        ("model.epochs=3", "'model.epochs'; did you mean training.epochs?"),
        ("model.hiden=3", "'model.hiden'; did you mean model.hidden?"),
        ("elmo.precison=fast", "'elmo.precison'; did you mean elmo.precision?"),
        ("dropout=0.1", "'dropout'; did you mean model.dropout, elmo.dropout or transformer.dropout?"),
        ("xyzzy=3", "'xyzzy'; the keys are task, data, "),
    ],
)
def test_the_full_key_is_suggested(setting: str, meant: str) -> None:
    with pytest.raises(InputError, match=re.escape(f"unknown key {meant}")):
        resolve_experiment("ner", None, {}, [setting])
