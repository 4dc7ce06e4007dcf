"""An encoder that is trained with the task computes what the frozen one does, with a gradient."""

from __future__ import annotations

import pytest
import torch

from elmo_tasks.core.errors import InputError
from elmo_tasks.embedders.registry import build_inputs
from elmo_tasks.embedders.transformer.provider import TransformerSettings
from elmo_tasks.embedders.transformer.tuned import TunedLayers, TunedTransformer
from elmo_tasks.nn.batch import pad
from elmo_tasks.nn.embedding_mix import EmbeddingMix

SENTENCES = [["The", "cats", "sat", "naïve", "ababs", "."], ["cat"], ["dogs"] * 20]


def tuned(encoder: str, **settings: object) -> TunedTransformer:
    given = TransformerSettings(model=encoder, trainable=True, **settings)  # type: ignore[arg-type]
    (made,) = build_inputs(["transformer"], {"transformer": given})
    assert isinstance(made, TunedTransformer)
    return made


def batch(made: TunedTransformer) -> tuple[torch.Tensor, torch.Tensor]:
    lengths = torch.tensor([len(words) for words in SENTENCES])
    ids = made.prepare(SENTENCES).take([0, 1, 2])
    return pad(ids, 20, time=0), torch.arange(20) < lengths[:, None]


def test_pieces_are_padded_to_the_longest_word_of_a_batch(encoder: str) -> None:
    prepared = tuned(encoder).prepare(SENTENCES)
    (first,), (second,) = prepared.take([0]), prepared.take([1])
    assert first.tolist()[:2] == [[5, 0, 0, 0, 0], [6, 9, 0, 0, 0]] and first.shape == (6, 5)
    assert second.tolist() == [[6]]
    assert prepared.take([1, 0])[0].tolist() == [[6, 0, 0, 0, 0]]


@pytest.mark.parametrize("pooling", ["first", "mean"])
@pytest.mark.parametrize("layers", ["1", "mix"])
def test_before_training_it_equals_the_frozen_encoder(encoder: str, pooling: str, layers: str) -> None:
    """Also for a sentence of several windows (the last one)."""
    made = tuned(encoder, pooling=pooling, layers=layers)
    frozen_settings = TransformerSettings(model=encoder, pooling=pooling, layers=layers)  # type: ignore[arg-type]
    (frozen,) = build_inputs(["transformer"], {"transformer": frozen_settings})
    ids, mask = batch(made)
    vectors = pad(frozen.prepare(SENTENCES).take([0, 1, 2]), 20, time=1)
    found, expected = made.build_module().eval()(ids, mask), frozen.build_module().eval()(vectors, mask)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    assert found.shape == (3, 20, 8) and not found[1, 1:].any()


def test_gradients_reach_the_encoder_but_not_the_unused_pooler(encoder: str) -> None:
    made = tuned(encoder, layers="mix")
    module = made.build_module()
    assert all(part.training for part in module.modules())  # with its own dropout
    module(*batch(made)).square().sum().backward()
    reached = {name for name, parameter in module.named_parameters() if parameter.grad is not None}
    assert {name for name, _ in module.named_parameters()} - reached == {
        "encoder.pooler.dense.weight",
        "encoder.pooler.dense.bias",
    }


def test_modules_do_not_share_the_pre_trained_weights(encoder: str) -> None:
    made = tuned(encoder)
    before, fingerprint = made.build_module(), made.fingerprint
    with torch.no_grad():
        next(before.encoder.parameters()).fill_(0.0)
    assert next(made.build_module().encoder.parameters()).any()
    assert made.fingerprint == fingerprint and fingerprint.startswith("tuned-transformer-")


def test_the_mix_reports_it_like_any_other(encoder: str) -> None:
    mix = EmbeddingMix(["transformer"], [tuned(encoder, learning_rate=2e-5, warmup=7).build_module()])
    assert mix.width == 8 and mix.mix_weights()["transformer"]["weights"] == pytest.approx([1 / 3] * 3)
    with torch.no_grad():
        mix.sources[0].mix.scalar_parameters[0].fill_(2.0)
    assert mix.mix_penalty().item() == 4.0
    ((rate, parameters),) = mix.own_rates()
    assert (rate.learning_rate, rate.warmup) == (2e-5, 7)
    module = mix.sources[0]
    assert isinstance(module, TunedLayers)
    assert len(parameters) == sum("pooler" not in name for name, _ in module.encoder.named_parameters())


def test_no_such_layer(encoder: str) -> None:
    with pytest.raises(InputError, match="layers of transformer must be mix or a number from 0 to 2, not '3'"):
        tuned(encoder, layers="3")
