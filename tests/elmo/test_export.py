"""`torch.export` of a biLM and of `Elmo` with any number of sentences and words."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch.export import Dim, ExportedProgram, export

from elmo_tasks.elmo import Elmo, batch_to_ids
from elmo_tasks.elmo.bilm import BiLM

BATCHES = [[["Rain"]], [["Rain", "fell"], ["No"], ["a"] * 9], [["The", "cat", "sat", "on", "the", "mat"]]]
ANY_SIZE = ({0: Dim("sentences"), 1: Dim("words"), 2: None},)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not hasattr(torch.compiler, "is_exporting"), reason="PyTorch before 2.7 exports a fixed number of words"
    ),
]


def exported(module: torch.nn.Module) -> ExportedProgram:
    """From a batch of two sentences and four words."""
    return export(module, (batch_to_ids([["a", "b", "c", "d"], ["e", "f"]]),), dynamic_shapes=ANY_SIZE)


def test_a_biLM_of_any_length(random_bilm: Callable[..., BiLM]) -> None:
    bilm = random_bilm()
    program = exported(bilm).module()
    for batch in BATCHES:
        ids = batch_to_ids(batch)
        found, wanted = program(ids), bilm(ids)
        torch.testing.assert_close(found.layers, wanted.layers, rtol=0, atol=1e-6)
        assert torch.equal(found.mask, wanted.mask)
        torch.testing.assert_close(found.state[1][0].cell, wanted.state[1][0].cell, rtol=0, atol=1e-6)


@pytest.mark.parametrize("boundaries", [False, True])
def test_elmo_of_any_length(pair: tuple[Path, Path], boundaries: bool) -> None:
    elmo = Elmo(*pair, 2, do_layer_norm=boundaries, keep_sentence_boundaries=boundaries).eval()
    file = io.BytesIO()
    torch.export.save(exported(elmo), file)
    program = torch.export.load(io.BytesIO(file.getvalue())).module()
    for batch in BATCHES:
        ids = batch_to_ids(batch)
        found, wanted = program(ids), elmo(ids)
        for ours, theirs in zip(found["elmo_representations"], wanted["elmo_representations"], strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
        assert torch.equal(found["mask"], wanted["mask"])
