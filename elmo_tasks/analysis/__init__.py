"""Layer 4: what frozen vectors know: probes of each layer, senses by neighbour, like occurrences, projections."""
