"""Grids of tasks, embedders and seeds: planned, trained, compared and reported."""
