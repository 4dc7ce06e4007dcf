"""Run what `elmo-tasks export` wrote with onnxruntime and numpy alone: no torch, no Numba.

Examples:
    >>> from elmo_tasks import lite
    >>> tagger = lite.load("exported")  # doctest: +SKIP
    >>> tagger([["Ada", "Lovelace", "lived", "in", "London", "."]])  # doctest: +SKIP
"""

from __future__ import annotations

from elmo_tasks.lite.model import LiteModel, load

__all__ = ["LiteModel", "load"]
