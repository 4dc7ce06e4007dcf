"""Downstream tasks on frozen ELMo embeddings, and pre-training of the biLMs they stand on."""

from __future__ import annotations

__version__ = "0.1.0"
