"""Tiny encoders as transformers writes them: real architectures, made-up weights and vocabulary."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

PIECES = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "the",
    "cat",
    "dog",
    "sat",
    "##s",
    "##a",
    "##b",
    "a",
    "b",
    ".",
    "na",
    "##ive",
]


def save_tokenizer(folder: Path) -> None:
    """A lower-casing WordPiece tokeniser."""
    tokenizer = Tokenizer(models.WordPiece({piece: number for number, piece in enumerate(PIECES)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]"
    ).save_pretrained(folder)


def bert_config(positions: int = 16) -> BertConfig:
    return BertConfig(
        vocab_size=len(PIECES),
        hidden_size=8,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=8,
        max_position_embeddings=positions,
    )


@pytest.fixture(scope="session")
def save_encoder(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """Write the folder of a tiny BERT with random weights from a seed."""

    def save(seed: int = 0, positions: int = 16) -> str:
        folder = tmp_path_factory.mktemp("encoder")
        torch.manual_seed(seed)
        model = BertModel(bert_config(positions))
        for parameter in model.parameters():
            torch.nn.init.normal_(parameter, std=0.5)  # as drawn, attention hardly tells one context from another
        model.save_pretrained(folder)
        save_tokenizer(folder)
        return str(folder)

    return save


@pytest.fixture(scope="session")
def encoder(save_encoder: Callable[..., str]) -> str:
    """The folder of one that reads 16 pieces at once, two of them special."""
    return save_encoder()
