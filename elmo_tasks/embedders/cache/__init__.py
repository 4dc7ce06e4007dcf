"""Frozen vectors on disk, so that an embedder reads each sentence once."""
