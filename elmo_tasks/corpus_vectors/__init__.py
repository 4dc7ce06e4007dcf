"""Layer 4: the vectors of a whole corpus, in files that others read. Text is cut into blocks; a block is a unit."""
