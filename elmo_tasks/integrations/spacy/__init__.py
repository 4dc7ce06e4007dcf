"""Components of spaCy pipelines: `elmo` and `elmo_ner`. Installed (extra `spacy`), `nlp.add_pipe` knows both names."""
