"""What code that goes below `Elmo` uses of AllenNLP: its token embedder, the biLM's own names, its scalar mix."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from elmo_tasks.core.errors import InputError
from elmo_tasks.elmo import Elmo, ElmoEmbedder, ElmoTokenEmbedder, batch_to_ids
from elmo_tasks.elmo import ScalarMix as OurMix
from elmo_tasks.elmo.allennlp import ScalarMix, _ElmoBiLm, _ElmoCharacterEncoder
from elmo_tasks.elmo.weights.hdf5 import read_hdf5

Pair = tuple[Path, Path]
SENTENCES = [["The", "cat", "sat", "."], ["No", "👍"]]


def test_a_token_embedder_is_one_mix(pair: Pair) -> None:
    ids = batch_to_ids(SENTENCES)
    embedder = ElmoTokenEmbedder(*pair, dropout=0.0, scalar_mix_parameters=[0.1, 0.2, 0.3], do_layer_norm=True)
    elmo = Elmo(*pair, 1, dropout=0.0, scalar_mix_parameters=[0.1, 0.2, 0.3], do_layer_norm=True)
    assert torch.equal(embedder(ids), elmo(ids)["elmo_representations"][0])
    assert embedder.get_output_dim() == 12 and not any(weight.requires_grad for weight in embedder.parameters())
    assert all(weight.requires_grad for weight in ElmoTokenEmbedder(*pair, requires_grad=True).parameters())
    assert ElmoTokenEmbedder().get_output_dim() == 256  # the biLM inside the package


def test_a_projected_token_embedder_from_a_configuration(pair: Pair) -> None:
    params = {"type": "elmo_token_embedder", "options_file": pair[0], "weight_file": pair[1], "projection_dim": 5}
    embedder = ElmoTokenEmbedder.from_params(vocab=None, params=params)
    assert embedder.get_output_dim() == 5 and embedder(batch_to_ids(SENTENCES)).shape == (2, 4, 5)
    assert embedder(batch_to_ids(SENTENCES)[:, None]).shape == (2, 1, 4, 5)
    words = ElmoTokenEmbedder(*pair, vocab_to_cache=["", "The", "cat"])
    assert words(torch.zeros(1, 2, 50, dtype=torch.long), torch.tensor([[1, 2]])).shape == (1, 2, 12)
    with pytest.raises(
        InputError, match="ElmoTokenEmbedder.from_params: unknown argument 'dim'; the arguments are option"
    ):
        ElmoTokenEmbedder.from_params({"dim": 5})
    with pytest.raises(InputError, match="options_file and weight_file must be given together"):
        ElmoTokenEmbedder(pair[0])


def test_activations_are_the_layers_with_boundaries(pair: Pair) -> None:
    ids = batch_to_ids(SENTENCES)
    layers, mask, _ = read_hdf5(*pair)(ids, keep_sentence_boundaries=True)
    elmo = Elmo(*pair, 1)
    for bilm in (_ElmoBiLm(*pair), elmo._elmo_lstm, ElmoEmbedder(*pair).elmo_bilm):
        output = bilm(ids)
        assert torch.equal(torch.stack(output["activations"], dim=1), layers) and torch.equal(output["mask"], mask)
        assert bilm.num_layers == 3 and bilm.get_output_dim() == 12
    assert next(iter(elmo._elmo_lstm.parameters())) is next(elmo.bilm.parameters())


def test_the_biLM_of_allennlp_as_a_module_and_with_cached_words(pair: Pair) -> None:
    ids, numbers = batch_to_ids([["The", "cat"]]), torch.tensor([[1, 2]])
    bilm = _ElmoBiLm(*pair, vocab_to_cache=["", "The", "cat"])
    cached, read = bilm(torch.zeros_like(ids), numbers), bilm(ids, torch.tensor([[1, 3]]))
    for found, wanted in zip(cached["activations"], read["activations"], strict=True):
        torch.testing.assert_close(found, wanted)
    elmo = Elmo(None, None, 1, dropout=0.0, module=bilm)
    assert elmo.bilm is bilm.bilm
    mixes = [elmo(*given)["elmo_representations"][0] for given in ((ids,), (torch.zeros_like(ids), numbers))]
    torch.testing.assert_close(*mixes)
    assert all(weight.requires_grad for weight in _ElmoBiLm(*pair, requires_grad=True).parameters())


def test_word_inputs_without_cached_words_are_not_looked_at(pair: Pair) -> None:
    ids = batch_to_ids(SENTENCES)
    elmo = Elmo(*pair, 1, dropout=0.0)
    found, wanted = elmo(ids, torch.ones(2, 4, dtype=torch.long)), elmo(ids)
    assert torch.equal(found["elmo_representations"][0], wanted["elmo_representations"][0])


def test_vectors_without_context(pair: Pair) -> None:
    bilm, ids = read_hdf5(*pair), batch_to_ids(SENTENCES)
    encoder = _ElmoCharacterEncoder(*pair)
    output = encoder(ids)
    layers, mask, _ = bilm(ids, keep_sentence_boundaries=True)
    assert torch.equal(output["token_embedding"], layers[:, 0, :, :6]) and torch.equal(output["mask"], mask)
    assert not output["token_embedding"][1, 4:].any()  # AllenNLP has the vector of a word without characters there
    assert encoder.get_output_dim() == 6 and torch.equal(_ElmoBiLm(*pair)._token_embedder(ids)["mask"], mask)
    with pytest.raises(InputError, match="make them with batch_to_ids"):
        encoder(ids[:, :, :10])


def test_there_is_no_state_to_reset(pair: Pair) -> None:
    lstm = Elmo(*pair, 1)._elmo_lstm._elmo_lstm
    lstm.reset_states()
    lstm.stateful = False
    assert not lstm.stateful
    with pytest.raises(InputError, match="stateful can only be False: no state is carried from one batch to the next"):
        lstm.stateful = True


def test_names_of_the_mixes_and_of_the_weights(pair: Pair) -> None:
    elmo = Elmo(*pair, 2)
    assert elmo.scalar_mix_1 is elmo.scalar_mixes[1] and not hasattr(elmo, "scalar_mix_2")
    assert elmo.scalar_mix_0.scalar_parameters.shape == (3,)  # a list of three there
    with pytest.raises(AttributeError, match="'Elmo' object has no attribute 'scalar'"):
        _ = elmo.scalar
    assert {name.partition(".")[0] for name, _ in elmo.named_parameters()} == {"bilm", "scalar_mixes"}


def test_a_scalar_mix_of_a_list() -> None:
    tensors = [torch.randn(3, 4, 5) for _ in range(3)]
    mask = torch.ones(3, 4, dtype=torch.bool)
    mask[1, 2:] = False
    for normalised in (False, True):
        mix = ScalarMix(3, do_layer_norm=normalised, initial_scalar_parameters=[0.1, 0.2, 0.3])
        mix.gamma.data[0] = 0.5
        ours = OurMix(3, layer_norm=normalised, layer_norm_over="batch", initial=[0.1, 0.2, 0.3])
        ours.gamma.data[0] = 0.5
        torch.testing.assert_close(mix(tensors, mask), ours(torch.stack(tensors, dim=1), mask))
    assert set(mix.state_dict()) == {"gamma", *(f"scalar_parameters.{layer}" for layer in range(3))}
    assert not any(weight.requires_grad for weight in ScalarMix(2, trainable=False).parameters())
    assert ScalarMix(2)([torch.ones(4, 3), torch.zeros(4, 3)]).tolist() == [[0.5] * 3] * 4
    with pytest.raises(InputError, match="scalar mix: 2 tensors were passed, but mixture_size is 3"):
        mix(tensors[:2], mask)
    with pytest.raises(InputError, match="scalar mix: do_layer_norm needs a mask"):
        mix(tensors)
    with pytest.raises(InputError, match="scalar mix: 2 initial_scalar_parameters were given for 3 tensors"):
        ScalarMix(3, initial_scalar_parameters=[0.0, 0.0])
