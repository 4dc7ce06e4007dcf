"""Layer 4: training of experiments, with Lightning."""
