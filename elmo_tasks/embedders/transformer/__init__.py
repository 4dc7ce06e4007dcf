"""Frozen Hugging Face encoders."""
