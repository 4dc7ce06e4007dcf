"""Static word vectors: tables in several file formats, and fastText models."""
