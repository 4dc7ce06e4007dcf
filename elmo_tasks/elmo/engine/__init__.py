"""The inference engine: a frozen biLM's vectors at the machine's speed."""

from elmo_tasks.elmo.engine.precision import PRECISIONS, resolve
from elmo_tasks.elmo.engine.runner import Engine

__all__ = ["PRECISIONS", "Engine", "resolve"]
