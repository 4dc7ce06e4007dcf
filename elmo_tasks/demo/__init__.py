"""The page of `elmo-tasks demo`. What it shows and its HTML know nothing of Gradio; only `server` does."""
