"""The drop-in `Elmo`, against what AllenNLP's documentation and code say that it does."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from elmo_tasks.core.errors import InputError
from elmo_tasks.elmo import Elmo, batch_to_ids
from elmo_tasks.elmo.bilm import BiLM
from elmo_tasks.elmo.options import BilmOptions
from elmo_tasks.elmo.weights.hdf5 import read_hdf5

Pair = tuple[Path, Path]
TINY = BilmOptions(char_dim=3, filters=((1, 4), (2, 5)), n_highway=1, cell_dim=12, projection_dim=6)
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
    with pytest.raises(InputError, match="there are 2 initial weights for 3 layers"):
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
    with pytest.raises(InputError, match="num_output_representations must be 1 or more, not 0"):
        Elmo(*pair, num_output_representations=0)


def test_the_arguments_are_allennlps_in_its_order(pair: Pair) -> None:
    names = list(inspect.signature(Elmo).parameters)
    assert names == [
        "options_file", "weight_file", "num_output_representations", "requires_grad", "do_layer_norm", "dropout",
        "vocab_to_cache", "keep_sentence_boundaries", "scalar_mix_parameters", "module",
    ]  # fmt: skip
    elmo = Elmo(*pair, 1, False, False, 0.0, ["", "Rain", "fell"], True, None)
    assert elmo.keep_sentence_boundaries and elmo.words is not None and len(elmo.words) == 3
    with pytest.raises(InputError, match=r"keep_sentence_boundaries must be True or False, not \['a'\]; the seventh"):
        Elmo(*pair, 1, False, False, 0.0, None, ["a"])  # type: ignore[arg-type]


@pytest.mark.parametrize("boundaries", [False, True])
def test_cached_words_are_those_of_their_characters(pair: Pair, boundaries: bool) -> None:
    vocabulary = ["@@PADDING@@", "Rain", "fell", "naïve", "x" * 70]
    sentences = [["Rain", "fell", "x" * 70], ["naïve"], []]
    words = torch.tensor([[vocabulary.index(word) for word in row] + [0] * (3 - len(row)) for row in sentences])
    elmo = Elmo(*pair, 2, dropout=0.0, vocab_to_cache=vocabulary, keep_sentence_boundaries=boundaries)
    plain = Elmo(*pair, 2, dropout=0.0, keep_sentence_boundaries=boundaries)
    ids = batch_to_ids(sentences)
    expected, found = plain(ids), elmo(torch.zeros_like(ids), words)
    assert torch.equal(found["mask"], expected["mask"])
    for ours, theirs in zip(found["elmo_representations"], expected["elmo_representations"], strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-6)
    deep = elmo(torch.zeros(1, *ids.shape, dtype=torch.long), words[None])["elmo_representations"][0]
    torch.testing.assert_close(deep[0], found["elmo_representations"][0])
    # A word that is not in the vocabulary: characters are read, as there.
    words[0, 0] = len(vocabulary)
    torch.testing.assert_close(elmo(ids, words)["elmo_representations"], expected["elmo_representations"])
    assert set(elmo.state_dict()) == set(plain.state_dict())


def test_faults_of_cached_words(pair: Pair) -> None:
    with pytest.raises(InputError, match="vocab_to_cache: the vectors of words are computed only once, so they cannot"):
        Elmo(*pair, 1, requires_grad=True, vocab_to_cache=["a"])
    with pytest.raises(InputError, match="vocab_to_cache must be a list of tokens, such as .*, not a string: 'words'"):
        Elmo(*pair, 1, vocab_to_cache="words")
    with pytest.raises(InputError, match=r"word_inputs: padding \(0\) precedes a word"):
        Elmo(*pair, 1, vocab_to_cache=["", "a"])(batch_to_ids([["a", "a"]]), torch.tensor([[0, 1]]))


def test_a_module_instead_of_files(pair: Pair) -> None:
    first = Elmo(*pair, 1, dropout=0.0)
    second = Elmo(None, None, 1, dropout=0.0, module=first.bilm)
    ids = batch_to_ids([["Rain", "fell"]])
    assert second.bilm is first.bilm
    assert torch.equal(first(ids)["elmo_representations"][0], second(ids)["elmo_representations"][0])
    with pytest.raises(InputError, match="both files and a module were given"):
        Elmo(*pair, 1, module=first.bilm)
    with pytest.raises(InputError, match="module must be a biLM, as returned by load_bilm.., not Linear"):
        Elmo(None, None, 1, module=torch.nn.Linear(2, 2))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="options_file and weight_file are both needed"):
        Elmo(None, None, 1)


def test_from_pretrained_is_that_of_the_files(pair: Pair) -> None:
    ids, name = batch_to_ids([["cat", "sat"], ["dog"]]), f"{pair[0]},{pair[1]}"
    named, files = Elmo.from_pretrained(name, dropout=0.0), Elmo(*pair, 1, dropout=0.0)
    assert torch.equal(named(ids)["elmo_representations"][0], files(ids)["elmo_representations"][0])
    assert not any(weight.requires_grad for weight in named.bilm.parameters())
    learning = Elmo.from_pretrained(name, 2, requires_grad=True, keep_sentence_boundaries=True)
    assert all(weight.requires_grad for weight in learning.bilm.parameters())
    assert [tuple(mix.shape) for mix in learning(ids)["elmo_representations"]] == [(2, 4, 12)] * 2
    with pytest.raises(InputError, match="no biLM named 'nothing'"):
        Elmo.from_pretrained("nothing")


def test_from_params(pair: Pair) -> None:
    params = {"options_file": pair[0], "weight_file": pair[1], "num_output_representations": 2, "dropout": 0.1}
    elmo = Elmo.from_params(params)
    assert len(elmo.scalar_mixes) == 2 and elmo.dropout.p == 0.1
    with pytest.raises(InputError, match="Elmo.from_params: unknown argument 'drop'; the arguments are options_file, "):
        Elmo.from_params(params | {"drop": 0.1})
    with pytest.raises(InputError, match="Elmo.from_params: num_output_representations is missing"):
        Elmo.from_params({"options_file": pair[0]})


def test_ids_of_nothing() -> None:
    """AllenNLP returns (1, 0), which its `Elmo` does not take."""
    assert batch_to_ids([[]]).shape == (1, 0, 50)


def test_a_batch_without_words(pair: Pair) -> None:
    output = Elmo(*pair, 1)(batch_to_ids([[], []]))
    assert output["elmo_representations"][0].shape == (2, 0, 12) and output["mask"].shape == (2, 0)


def test_ids_that_do_not_fit_are_refused(pair: Pair, random_bilm: Callable[..., BiLM]) -> None:
    elmo = Elmo(*pair, 1, dropout=0.0)
    ids = batch_to_ids([["Rain", "fell"], ["No"]])
    with pytest.raises(InputError, match=r"\(2, 2, 20\) do not fit .* make them with batch_to_ids"):
        elmo(batch_to_ids([["Rain", "fell"], ["No"]], 20))
    with pytest.raises(InputError, match="sentence 1 have an absent word before a present one; pad on the right"):
        elmo(ids.flip(1))
    with pytest.raises(InputError, match="whole numbers from 0 to 261, not torch.int64 from 0 to 262; make them with"):
        elmo(ids.masked_fill(ids == 261, 262))
    with pytest.raises(InputError, match="not torch.float32"):
        elmo(ids.float())
    with pytest.raises(InputError, match=r"inputs must be character ids \(B, T, 50\), not a tensor of shape \(2, 50\)"):
        elmo(ids[:, 0])
    narrow = Elmo(None, None, 1, dropout=0.0, module=random_bilm(replace(TINY, max_characters=10)))
    with pytest.raises(InputError, match=r"make them with batch_to_ids\(sentences, max_characters=10\)"):
        narrow(ids)
    assert narrow(batch_to_ids([["Rain", "fell"]], max_characters=10))["mask"].tolist() == [[True, True]]
