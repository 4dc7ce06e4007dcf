"""What docs/from-allennlp.md says that differs from AllenNLP, where no other test of the drop-ins shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import pytest
import torch

from elmo_tasks.cli import main
from elmo_tasks.core.errors import InputError
from elmo_tasks.elmo import Elmo, ElmoEmbedder, ElmoTokenEmbedder, batch_to_ids
from elmo_tasks.elmo.bilm import BiLM
from elmo_tasks.elmo.options import BilmOptions
from elmo_tasks.elmo.weights.hdf5 import write_hdf5

Pair = tuple[Path, Path]


def test_an_empty_line_of_a_text(pair: Pair, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in.txt").write_text("The cat\n\nNo\n")
    words = ["embed", f"elmo:{pair[0]},{pair[1]}", str(tmp_path / "in.txt"), "--precision", "exact", "--output"]
    assert main([*words, str(tmp_path / "out.hdf5")]) == 0
    with h5py.File(tmp_path / "out.hdf5") as file:
        assert set(file) - {"1"} == {"0", "2", "sentence_to_index"} and ("1" not in file or file["1"].size == 0)
    with pytest.raises(InputError, match="in.txt:2: blank line; remove it"):
        ElmoEmbedder(*pair).embed_file((tmp_path / "in.txt").open(), tmp_path / "other.hdf5")
    assert main([*words, str(tmp_path / "out")]) == 2
    assert "--output must end in one of .hdf5" in capsys.readouterr().err


def test_a_biLM_without_skip_connections(
    random_bilm: Callable[..., BiLM], tiny_options: BilmOptions, tmp_path: Path
) -> None:
    bilm = random_bilm(replace(tiny_options, skip_connections=False))
    write_hdf5(bilm, tmp_path / "options.json", tmp_path / "weights.hdf5")
    found = ElmoEmbedder(tmp_path / "options.json", tmp_path / "weights.hdf5").embed_sentence(["The", "cat"])
    torch.testing.assert_close(torch.from_numpy(found), bilm(batch_to_ids([["The", "cat"]])).layers[0])


def test_widths_without_files_and_without_words(pair: Pair) -> None:
    assert ElmoEmbedder().embed_sentence([]).shape == (3, 0, 256) and ElmoTokenEmbedder().output_dim == 256
    assert ElmoEmbedder(*pair).embed_sentence([]).shape == (3, 0, 12)


def test_numbers_that_are_no_positions_of_words(pair: Pair) -> None:
    elmo, ids = Elmo(*pair, 1, dropout=0.0, vocab_to_cache=["", "The"]), batch_to_ids([["The"]])
    wanted = elmo(ids)["elmo_representations"][0]
    for number in (-1, 2):
        assert torch.equal(elmo(ids, torch.tensor([[number]]))["elmo_representations"][0], wanted)


def test_a_text_is_no_list_of_tokens(pair: Pair) -> None:
    with pytest.raises(InputError, match="sentence must be a list of tokens, such as .*, not a string: 'The dog'"):
        ElmoEmbedder(*pair).embed_sentence("The dog")
    with pytest.raises(
        InputError, match=r"sentences\[0\]: must be a list of tokens, such as .*, not a string: 'The dog'"
    ):
        batch_to_ids(["The dog"])
