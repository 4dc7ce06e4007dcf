"""A grid of runs that are compared: tasks x embedders x seeds x fractions of the training data, and one report."""
