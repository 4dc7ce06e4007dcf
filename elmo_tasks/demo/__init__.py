"""Layer 5: the page of `elmo-tasks demo`. What it shows and its HTML know nothing of Gradio; `server` alone does."""
