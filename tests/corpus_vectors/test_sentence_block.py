"""The cut of a text: whole, in order, bounded."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elmo_tasks.core.errors import InputError
from elmo_tasks.corpus_vectors import sentence_block
from elmo_tasks.corpus_vectors.sentence_block import MOST_SENTENCES, MOST_TOKENS, cut_blocks, survey


@settings(max_examples=40)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=40), st.integers(1, 12), st.integers(1, 5))
def test_blocks_are_the_text(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], tokens: int, most: int
) -> None:
    path = tmp_path_factory.mktemp("text") / "text"
    path.write_text("".join(f" {'w ' * size}\n" for size in sizes))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sentence_block, "MOST_TOKENS", tokens)
        patch.setattr(sentence_block, "MOST_SENTENCES", most)
        blocks = list(cut_blocks(path, "text"))
    assert [len(words) for block in blocks for words in block.sentences] == sizes
    assert [block.number for block in blocks] == list(range(len(blocks)))
    assert [block.first for block in blocks] == [sum(len(b.lines) for b in blocks[:n]) for n in range(len(blocks))]
    for block, following in zip(blocks, [*blocks[1:], None], strict=True):
        assert len(block.lines) <= most and (block.n_tokens <= tokens or len(block.lines) == 1)
        if following is not None:  # none could be longer
            assert len(block.lines) == most or block.n_tokens + len(following.sentences[0]) > tokens


def test_survey(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("a b\n\n c \n")
    found = survey(path, "text")
    assert (found.blocks, found.sentences, found.tokens) == (1, 3, 3)
    path.write_text("a b\n\nc")  # what differs is no part of any sentence
    assert survey(path, "text") == found
    path.write_text("a\nb\n\nc")
    assert survey(path, "text").digest != found.digest
    path.write_text("w\n" * (MOST_SENTENCES + 1) + "w " * (MOST_TOKENS + 1))
    assert survey(path, "text").blocks == 3


def test_a_fault_names_what_was_read(tmp_path: Path) -> None:
    path = tmp_path / "copy"
    path.write_bytes(b"a\n\xff")
    with pytest.raises(InputError, match="^standard input:2: the byte"):
        survey(path, "standard input")
    path.write_bytes(b"\n")
    with pytest.raises(InputError, match="^standard input: the text has no words"):
        survey(path, "standard input")
