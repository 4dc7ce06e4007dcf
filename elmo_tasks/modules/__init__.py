"""Layer 1: trainable bricks. torch alone."""
