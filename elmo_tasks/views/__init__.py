"""Output for the terminal and pictures: progress, tables, plots."""
