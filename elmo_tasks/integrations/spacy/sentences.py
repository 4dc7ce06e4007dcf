"""Split a spaCy doc into sentences for a biLM."""

from __future__ import annotations

from spacy.tokens import Doc


def sentence_positions(doc: Doc) -> list[list[int]]:
    """The token positions of each sentence; without sentence boundaries the doc is one sentence.

    White-space tokens are left out, because biLMs are not trained on them.

    Examples:
        >>> import spacy
        >>> sentence_positions(spacy.blank("en")("Rain  fell ."))
        [[0, 2, 3]]
    """
    spans = doc.sents if doc.has_annotation("SENT_START") else [doc[:]]
    found = [[token.i for token in span if not token.is_space] for span in spans]
    return [positions for positions in found if positions]
