"""Compare one word in two senses, layer by layer. Cells are marked `# %%`."""

# %%
import torch

from elmo_tasks import Engine, load_bilm

sentences = [
    ["The", "dog", "began", "to", "bark", "at", "the", "postman", "."],
    ["The", "bark", "of", "the", "old", "oak", "was", "rough", "."],
]
night, tree = Engine(load_bilm()).embed(sentences)  # (L, T, D) each: 3 layers, 9 words, 256 numbers

# %% In the first sentence, `bark` is the fifth word; in the second sentence, it is the second.
cosines = torch.cosine_similarity(night[:, 4], tree[:, 1], dim=-1)  # (L,)
for layer, cosine in enumerate(cosines.tolist()):
    print(f"layer {layer}: {cosine:.3f}")

# %% Layer 0 only sees the characters of the word, so its two vectors are equal, like those of a static embedding.
assert abs(cosines[0].item() - 1) < 1e-3
assert cosines[1:].max() < 0.9
