"""Trained runs as ONNX graphs, which `elmo_tasks.lite` runs without torch."""
