"""A spaCy doc as the sentences that a biLM reads."""

from __future__ import annotations

from spacy.tokens import Doc


def sentence_positions(doc: Doc) -> list[list[int]]:
    """The positions of the tokens of each sentence; the doc is one sentence where nothing has set boundaries.

    Tokens of white space are left out: no biLM was trained on them.

    Examples:
        >>> import spacy
        >>> sentence_positions(spacy.blank("en")("Rain  fell ."))
        [[0, 2, 3]]
    """
    spans = doc.sents if doc.has_annotation("SENT_START") else [doc[:]]
    found = [[token.i for token in span if not token.is_space] for span in spans]
    return [positions for positions in found if positions]
