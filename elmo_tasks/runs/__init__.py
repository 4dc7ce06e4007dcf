"""Trained runs: their folder and record, and how to load, apply, score and share them. Never imports Lightning."""
