"""Layer 4: write the vectors of a whole corpus to files in common formats, block by block."""
