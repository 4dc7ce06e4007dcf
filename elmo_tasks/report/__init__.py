"""Layer 5: what people read after a run. Records, tables, summaries, plots."""
