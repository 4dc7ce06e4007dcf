"""Run exports of `elmo-tasks export` with only onnxruntime and numpy, without torch and Numba.

Examples:
    >>> from elmo_tasks import lite
    >>> tagger = lite.load("exported")  # doctest: +SKIP
    >>> tagger([["Ada", "Lovelace", "lived", "in", "London", "."]])  # doctest: +SKIP
"""

from __future__ import annotations

from elmo_tasks.lite.model import LiteModel, load

__all__ = ["LiteModel", "load"]
