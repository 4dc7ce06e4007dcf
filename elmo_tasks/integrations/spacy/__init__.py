"""Components of spaCy pipelines, `elmo` and `elmo_ner`, for `nlp.add_pipe` (extra `spacy`)."""
