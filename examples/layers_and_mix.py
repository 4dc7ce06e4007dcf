"""Get all layers of a biLM, their average, and a mix that a task learns. Cells are marked `# %%`."""

# %%
import torch

from elmo_tasks import Engine, ScalarMix, load_bilm

engine = Engine(load_bilm())
words = [["Rain", "fell", "on", "the", "harbour", "."], ["Dogs", "bark", "."]]
layers = engine.embed(words)  # one (3, T, 256) per sentence: layer 0 is the character CNN, 1 and 2 are the LSTMs
average = [of_sentence.mean(0) for of_sentence in layers]  # (T, 256)
print([tuple(vectors.shape) for vectors in average])

# %% The paper's mix, gamma * sum_l softmax(w)_l * layer_l: three weights and a scale are all that is trained.
mix = ScalarMix(engine.n_layers)
mask = torch.ones(1, len(words[0]), dtype=torch.bool)  # all words are real
mixed = mix(layers[0][None], mask)  # (1, T, 256)
assert torch.allclose(mixed[0], average[0], atol=1e-5)  # before training, all layers have the same weight

# %% Train the mix to reproduce layer 1, and look at the weights.
optimizer = torch.optim.Adam(mix.parameters(), lr=0.1)
for _ in range(300):
    loss = (mix(layers[0][None], mask) - layers[0][1]).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
weights = mix.weights().detach()
print("learned weights:", [round(weight, 2) for weight in weights.tolist()])
assert weights.argmax() == 1
