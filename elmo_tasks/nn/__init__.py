"""Trainable modules (LSTMs, CRF, pooling, mixes) and the task models built from them."""
