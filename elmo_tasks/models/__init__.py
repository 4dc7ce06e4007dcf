"""Layer 2: what learns."""
