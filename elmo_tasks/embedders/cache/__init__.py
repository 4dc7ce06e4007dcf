"""A cache of frozen vectors on disk, so that each sentence is embedded only once."""
