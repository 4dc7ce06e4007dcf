"""What every room builds on: errors, files, settings, paths and memory. Knows no torch and no task."""
