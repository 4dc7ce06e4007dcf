"""Export trained runs to ONNX graphs, which `elmo_tasks.lite` runs without torch."""
