"""Packed vectors are read back unchanged, and damage is always detected."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from elmo_tasks.embedders.cache.block import Block, DamagedBlock, key_of, pack, unpack, write_block


@given(
    layers=st.integers(1, 4),
    tokens=st.integers(0, 5),
    width=st.integers(1, 6),
    halved=st.booleans(),
    scale=st.sampled_from([1.0, 1e-3, 7e4, 1e30]),
    seed=st.integers(0, 1000),
)
def test_unpack_undoes_pack(layers: int, tokens: int, width: int, halved: bool, scale: float, seed: int) -> None:
    vectors = scale * torch.randn(layers, tokens, width, generator=torch.Generator().manual_seed(seed))
    if halved and width % 2 == 0:
        vectors[0, :, width // 2 :] = vectors[0, :, : width // 2]
    row = pack(vectors)
    found = unpack(row, layers, width)
    # float16 has 11 bits, bfloat16 has 8 and is taken where float16 would overflow
    rounded = vectors.to(torch.bfloat16 if vectors.numel() and vectors.abs().max() > 65504 else torch.float16).float()
    assert torch.equal(found, rounded)
    assert torch.equal(unpack(pack(found), layers, width), found)  # what is stored once is stored exactly


def test_a_first_layer_of_two_equal_halves_is_stored_once() -> None:
    layers = torch.randn(3, 4, 6)
    layers[0, :, 3:] = layers[0, :, :3]
    assert len(pack(torch.randn(3, 4, 6)).values) - len(pack(layers).values) == 4 * 3
    layers[0, 3, 5] += 1
    assert len(pack(layers).values) == layers.numel()


@given(first=st.lists(st.text(max_size=3), max_size=4), second=st.lists(st.text(max_size=3), max_size=4))
def test_sentences_of_other_words_have_other_keys(first: list[str], second: list[str]) -> None:
    assert (key_of(first) == key_of(second)) == (first == second)


def made(folder: Path) -> tuple[Path, list[torch.Tensor]]:
    vectors = [torch.randn(2, tokens, 4).half().float() for tokens in (3, 0, 2)]
    rows = {key_of(["w"] * len(layers[0])): pack(layers) for layers in vectors}
    return write_block(folder, "elmo", rows, 2, 4), vectors


def test_a_block_has_what_was_written(tmp_path: Path) -> None:
    path, vectors = made(tmp_path)
    block = Block(path)
    assert (block.name, block.n_layers, block.width) == ("elmo", 2, 4)
    assert block.keys == [key_of(["w"] * tokens) for tokens in (3, 0, 2)]
    assert [block.tokens(row) for row in range(3)] == [3, 0, 2]
    assert all(torch.equal(block.read(row), layers) for row, layers in enumerate(vectors))
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_no_flipped_byte_goes_unseen(tmp_path: Path) -> None:
    """Wherever a byte is flipped, a sentence is read as it was, is missing, or is known to be damaged."""
    path, vectors = made(tmp_path)
    whole = path.read_bytes()
    right = dict(zip(Block(path).keys, vectors, strict=True))
    for place in range(0, len(whole), 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x11]) + whole[place + 1 :])
        try:
            block = Block(path)
        except DamagedBlock:
            continue
        if (block.n_layers, block.width) != (2, 4):
            continue  # the reader compares them with the embedder's
        for row, key in enumerate(block.keys):
            try:
                found = block.read(row)
            except DamagedBlock:
                continue
            assert torch.equal(found, right[key])


@pytest.mark.parametrize("size", [0, 1, 8, 100, -1])
def test_a_cut_block_is_damaged(tmp_path: Path, size: int) -> None:
    path, _ = made(tmp_path)
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(DamagedBlock, match=path.name):
        Block(path)


def test_garbage_is_damaged(tmp_path: Path) -> None:
    path, _ = made(tmp_path)
    path.write_bytes(bytes(range(256)) * 20)
    with pytest.raises(DamagedBlock, match=path.name):
        Block(path)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        Block(path)
