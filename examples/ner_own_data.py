"""Entities of one's own, from lists in Python to a tagger in a folder. Cells are marked `# %%`."""

# %% Tags in IOB1, BIO or BIOES; these mark food and amounts in recipes.
from pathlib import Path

from elmo_tasks import ElmoTagger

foods = ["butter", "flour", "sugar", "rice", "milk", "beans", "honey", "salt"]
sentences, tags = [], []
for food in foods:
    sentences += [["Add", "two", "cups", "of", food, "."], ["Stir", "the", food, "slowly", "."]]
    tags += [["O", "B-AMOUNT", "I-AMOUNT", "O", "B-FOOD", "O"], ["O", "O", "B-FOOD", "O", "O"]]

# %% The model of `elmo-tasks train ner`, small. `settings` has the keys of `--set`.
tagger = ElmoTagger(
    embedders=["elmo", "chars"],
    settings={"training.epochs": 12, "training.learning_rate": 0.005, "model.hidden": 50, "model.layers": 1},
)
tagger.fit(sentences, tags)

# %% Foods that it has never seen, in sentences that it has not seen either.
new = ["Add three cups of cream .", "Stir the lentils ."]
found = tagger.predict(new)
for text, of_text in zip(new, found, strict=True):
    print([word for word, tag in zip(text.split(), of_text, strict=True) if tag.endswith("FOOD")])

# %% A run folder, without pickle: `elmo-tasks predict recipes` reads it too.
tagger.save("recipes")
assert ElmoTagger.load("recipes").predict(new) == found
assert Path("recipes/config.yaml").is_file()
