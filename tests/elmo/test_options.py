from __future__ import annotations

import json
from typing import Any

import pytest

from elmo_tasks.core.errors import InputError
from elmo_tasks.elmo.options import BilmOptions

# As bilm-tf writes it, cut to what matters, with keys of training.
ORIGINAL = """{"lstm": {"use_skip_connections": true, "projection_dim": 512, "cell_clip": 3, "proj_clip": 3,
 "dim": 4096, "n_layers": 2}, "char_cnn": {"activation": "relu", "filters": [[1, 32], [2, 32], [3, 64], [4, 128],
 [5, 256], [6, 512], [7, 1024]], "n_highway": 2, "embedding": {"dim": 16}, "n_characters": 262,
 "max_characters_per_token": 50},
 "bidirectional": true, "n_epochs": 10}"""


def changed(section: str, **values: Any) -> str:
    options = json.loads(ORIGINAL)
    options[section] |= values
    return json.dumps(options)


def test_the_defaults_are_the_original_model() -> None:
    options = BilmOptions.from_json(ORIGINAL)
    assert options.extra == (("bidirectional", True), ("n_epochs", 10))
    assert BilmOptions.from_dict({k: v for k, v in json.loads(ORIGINAL).items() if k in ("lstm", "char_cnn")}) == (
        BilmOptions()
    )
    assert (options.n_filters, options.width) == (2048, 1024)


def test_round_trip_loses_nothing() -> None:
    assert json.loads(BilmOptions.from_json(ORIGINAL).to_json()) == json.loads(ORIGINAL)


def test_what_bilm_tf_leaves_out() -> None:
    options = json.loads(ORIGINAL)
    for key in ("cell_clip", "proj_clip", "n_layers", "use_skip_connections"):
        del options["lstm"][key]
    del options["char_cnn"]["n_highway"]
    read = BilmOptions.from_dict(options)
    assert (read.cell_clip, read.proj_clip, read.n_layers, read.skip_connections, read.n_highway) == (
        None, None, 1, False, 0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"f\.json:1: not valid JSON"),
        ("[]", r"f\.json: must be a JSON object, not list"),
        ("{}", r"f\.json: the key 'char_cnn' of a bilm-tf options\.json is missing"),
        (changed("char_cnn", activation="gelu"), r"char_cnn\.activation must be 'relu' or 'tanh', not 'gelu'"),
        (changed("lstm", dim="wide"), r"f\.json: not the options of a biLM \(invalid literal"),
        (changed("char_cnn", filters=[[1]]), r"f\.json: not the options of a biLM"),
        (changed("char_cnn", filters=[]), r"sizes in char_cnn and lstm must be 1 or more"),
        (changed("lstm", projection_dim=0), r"sizes in char_cnn and lstm must be 1 or more"),
        (changed("char_cnn", max_characters_per_token=5), r"max_characters_per_token must be at least 7 .*, not 5"),
    ],
)
def test_what_makes_no_biLM(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        BilmOptions.from_json(text, source="f.json")
    assert "\n" not in str(caught.value)
