"""Layer 1: data sets, read into examples. No torch."""
