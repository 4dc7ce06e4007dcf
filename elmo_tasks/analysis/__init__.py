"""Layer 4: what frozen vectors know. Probes of each layer, senses by nearest neighbour, like occurrences, projections."""
