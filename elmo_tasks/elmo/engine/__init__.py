"""The inference engine: computes the vectors of a frozen biLM as fast as the machine allows."""

from elmo_tasks.elmo.engine.precision import PRECISIONS, resolve
from elmo_tasks.elmo.engine.runner import Engine

__all__ = ["PRECISIONS", "Engine", "resolve"]
