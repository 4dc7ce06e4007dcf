"""The drop-in `Elmo`, against what AllenNLP's documentation and code say that it does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from elmo_tasks.core.errors import InputError
from elmo_tasks.elmo import Elmo, batch_to_ids
from elmo_tasks.elmo.weights.hdf5 import read_hdf5

Pair = tuple[Path, Path]
SENTENCES = [["The", "cat", "sat", "."], ["No", "👍"], []]


def test_shapes_mask_and_padding(pair: Pair) -> None:
    elmo = Elmo(str(pair[0]), str(pair[1]), 2, dropout=0.0)
    out = elmo(batch_to_ids(SENTENCES))
    first, second = out["elmo_representations"]
    assert first.shape == second.shape == (3, 4, elmo.get_output_dim()) == (3, 4, 12)
    assert out["mask"].dtype == torch.bool
    assert out["mask"].tolist() == [[True] * 4, [True, True, False, False], [False] * 4]
    assert not first[~out["mask"]].any()


def test_equal_weights_are_the_mean_of_the_layers_times_gamma(pair: Pair) -> None:
    elmo = Elmo(*pair, num_output_representations=1, dropout=0.0)
    elmo.scalar_mixes[0].gamma.data.fill_(3.0)
    ids = batch_to_ids(SENTENCES)
    expected = 3.0 * read_hdf5(*pair)(ids).layers.mean(dim=1)
    torch.testing.assert_close(elmo(ids)["elmo_representations"][0], expected)


def test_one_pass_of_the_biLM_serves_several_mixes(pair: Pair) -> None:
    elmo = Elmo(*pair, num_output_representations=3, dropout=0.0)
    calls: list[object] = []
    elmo.bilm.register_forward_hook(lambda *call: calls.append(call))
    elmo.scalar_mixes[1].scalar_parameters.data[:] = torch.tensor([9.0, 0.0, 0.0])
    representations = elmo(batch_to_ids(SENTENCES))["elmo_representations"]
    assert len(calls) == 1 and len(representations) == 3
    assert torch.equal(representations[0], representations[2])
    assert not torch.allclose(representations[0], representations[1])


def test_the_mixes_learn_and_the_biLM_only_when_asked(pair: Pair) -> None:
    frozen = Elmo(*pair, num_output_representations=2)
    learning = {name for name, parameter in frozen.named_parameters() if parameter.requires_grad}
    assert learning == {f"scalar_mixes.{k}.{name}" for k in (0, 1) for name in ("scalar_parameters", "gamma")}
    tuned = Elmo(*pair, num_output_representations=1, requires_grad=True, dropout=0.0)
    tuned(batch_to_ids(SENTENCES))["elmo_representations"][0].sum().backward()
    assert all(parameter.grad is not None for parameter in tuned.parameters())


def test_fixed_mix_parameters(pair: Pair) -> None:
    elmo = Elmo(*pair, num_output_representations=1, dropout=0.0, scalar_mix_parameters=[-9e10, 1.0, -9e10])
    assert not any(parameter.requires_grad for parameter in elmo.parameters())
    ids = batch_to_ids(SENTENCES)
    torch.testing.assert_close(elmo(ids)["elmo_representations"][0], read_hdf5(*pair)(ids).layers[:, 1])
    with pytest.raises(InputError, match="expected 3 initial weights, one a layer, got 2"):
        Elmo(*pair, num_output_representations=1, scalar_mix_parameters=[0.0, 1.0])


def test_keep_sentence_boundaries(pair: Pair) -> None:
    ids = batch_to_ids(SENTENCES)
    out = Elmo(*pair, num_output_representations=1, dropout=0.0, keep_sentence_boundaries=True)(ids)
    inner = Elmo(*pair, num_output_representations=1, dropout=0.0)(ids)
    kept, plain = out["elmo_representations"][0], inner["elmo_representations"][0]
    assert kept.shape == (3, 6, 12) and out["mask"].sum(dim=1).tolist() == [6, 4, 2]
    assert torch.equal(kept[0, 1:-1], plain[0]) and torch.equal(kept[1, 1:3], plain[1, :2])
    assert kept[1, 3].any() and not kept[1, 4:].any()


def test_layer_norm_takes_all_real_positions_of_the_batch_with_boundaries(pair: Pair) -> None:
    ids = batch_to_ids(SENTENCES)
    layers, mask, _ = read_hdf5(*pair)(ids, keep_sentence_boundaries=True)
    expected = np.zeros((3, 6, 12))
    for layer in layers.unbind(dim=1):
        real = layer[mask].numpy().ravel()
        expected += (layer.numpy() - real.mean()) / np.sqrt(real.var() + 1e-12) / 3
    out = Elmo(*pair, num_output_representations=1, dropout=0.0, do_layer_norm=True)(ids)
    representation = out["elmo_representations"][0].detach().numpy()
    np.testing.assert_allclose(representation[0], expected[0, 1:-1], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(representation[1, :2], expected[1, 1:3], rtol=1e-4, atol=1e-5)
    assert not representation[1, 2:].any() and not representation[2].any()


def test_dropout_in_training_only(pair: Pair) -> None:
    elmo, ids = Elmo(*pair, num_output_representations=1), batch_to_ids(SENTENCES)
    dropped = elmo(ids)["elmo_representations"][0][0]
    assert 0.2 < (dropped == 0).float().mean() < 0.8
    elmo.eval()
    assert torch.equal(elmo(ids)["elmo_representations"][0], elmo(ids)["elmo_representations"][0])


def test_further_dimensions(pair: Pair) -> None:
    elmo, ids = Elmo(*pair, num_output_representations=1, dropout=0.0), batch_to_ids(SENTENCES[:2])
    out, flat = elmo(torch.stack([ids, ids])), elmo(ids)
    assert out["elmo_representations"][0].shape == (2, 2, 4, 12) and out["mask"].shape == (2, 2, 4)
    torch.testing.assert_close(out["elmo_representations"][0][1], flat["elmo_representations"][0])


def test_no_state_is_carried(pair: Pair) -> None:
    elmo, ids = Elmo(*pair, num_output_representations=1, dropout=0.0), batch_to_ids(SENTENCES)
    assert torch.equal(elmo(ids)["elmo_representations"][0], elmo(ids)["elmo_representations"][0])


def test_no_representation_at_all(pair: Pair) -> None:
    with pytest.raises(InputError, match="expected num_output_representations of 1 or more, got 0"):
        Elmo(*pair, num_output_representations=0)
