"""Layer 5: what people see of runs."""
