"""Downstream tasks on frozen ELMo embeddings. Importing this package imports none of its parts."""

from __future__ import annotations

__version__ = "0.1.0"
