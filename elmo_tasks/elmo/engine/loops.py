"""Which implementation of the element-wise loops to use: PyTorch for the first tokens of a process, then Numba.

Both give the same bits, so a program that embeds a few sentences needs neither import Numba, which takes most of a
second, nor compile the kernels, which takes two after an installation.
"""

from __future__ import annotations

import functools
import importlib
from typing import Any

from elmo_tasks.elmo.engine import interpreted

WORTH_COMPILING = 1_000  # tokens after which PyTorch has taken about as long as importing Numba and its kernels would
_tokens_left = WORTH_COMPILING


def expect(tokens: int) -> None:
    """Say how many tokens will be embedded next. Called before they are."""
    global _tokens_left
    _tokens_left = max(0, _tokens_left - tokens)


def are_compiled() -> bool:
    """Whether `loops` returns the kernels."""
    return not _tokens_left or not interpreted.is_exact()


def are_compiled_for(tokens: int) -> bool:
    """Whether a model that reads a biLM's vectors should use compiled loops too, for a batch with so many tokens.

    False for few tokens, so that their results are the same whether the engine has compiled its loops already or not.
    """
    return tokens >= WORTH_COMPILING and are_compiled()


def loops() -> Any:
    """The module with the loops `step` and `round_rows`: `interpreted`, or `kernels`."""
    return interpreted if _tokens_left and interpreted.is_exact() else kernels()


@functools.cache
def kernels() -> Any:
    """The kernels, if `has_kernels`; Numba is imported only here."""
    return importlib.import_module("elmo_tasks.elmo.engine.kernels")
