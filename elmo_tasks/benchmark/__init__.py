"""Grids of tasks, embedders and seeds: planning, training, comparison and reports."""
