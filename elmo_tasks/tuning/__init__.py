"""Searches for the best settings of a task: trials of a space, compared on dev and reported."""
