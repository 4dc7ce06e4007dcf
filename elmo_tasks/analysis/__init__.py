"""Layer 4: what frozen vectors encode: probes of each layer, nearest senses, similar occurrences, projections."""
