"""Lines of a text as blocks: cut in the same way, read when they are needed."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from elmo_tasks.jobs.pool import SerialPool, run_jobs
from elmo_tasks.runs.predicted_blocks import BLOCK_TOKENS, LineBlock, cut_lines


@given(st.lists(st.integers(0, BLOCK_TOKENS + 10).map(lambda count: "a " * count), max_size=30))
def test_all_lines_are_in_one_block_in_order(lines: list[str]) -> None:
    blocks = list(cut_lines(lines))
    assert [line for block in blocks for line in block.lines] == lines
    assert [block.first for block in blocks] == [1 + sum(len(b.lines) for b in blocks[:n]) for n in range(len(blocks))]
    for block in blocks:
        most = max(BLOCK_TOKENS, *(line.count("a") for line in block.lines))
        assert sum(line.count("a") for line in block.lines) <= most


def test_two_hundred_thousand_lines_are_read_as_they_are_needed() -> None:
    """Never more than the block that is computed and the lines of the next one."""
    read = done = 0

    def lines() -> Iterator[str]:
        nonlocal read
        for number in range(200_000):
            read += 1
            yield f"line {number} of many"

    largest = BLOCK_TOKENS // 4 + 1
    for block in run_jobs(SerialPool(lambda block: block), cut_lines(lines()), in_order=True):
        assert isinstance(block.value, LineBlock) and block.value.first == done + 1
        done += len(block.value.lines)
        assert read - done <= largest
    assert done == 200_000
