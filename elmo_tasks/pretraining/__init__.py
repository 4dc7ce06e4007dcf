"""Pre-training of biLMs: corpus, windows, objective, kernels, loop, perplexity and export."""
