"""A biLM's weights: file formats, names, downloads."""
