"""One word in two senses: its cosine by layer, a static vector's beside it. Cells are marked `# %%`."""

# %%
import torch

from elmo_tasks import Engine, load_bilm

sentences = [
    ["The", "dog", "began", "to", "bark", "at", "the", "postman", "."],
    ["The", "bark", "of", "the", "old", "oak", "was", "rough", "."],
]
night, tree = Engine(load_bilm()).embed(sentences)  # (L, T, D) each: 3 layers, 9 words, 256 numbers

# %% The cry is the fifth word of the first sentence, the oak's skin the second of the other.
cosines = torch.cosine_similarity(night[:, 4], tree[:, 1], dim=-1)  # (L,)
for layer, cosine in enumerate(cosines.tolist()):
    print(f"layer {layer}: {cosine:.3f}")

# %% Layer 0 sees characters alone, as a static vector knows the word alone: both say 1.
assert abs(cosines[0].item() - 1) < 1e-3
assert cosines[1:].max() < 0.9
