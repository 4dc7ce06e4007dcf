"""Layer 0: text without vectors (examples, spans, labels). No torch."""
