"""Layer 4: runs. The one loop that drives every task, and pre-training."""
