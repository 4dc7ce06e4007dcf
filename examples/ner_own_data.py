"""Train a tagger on your own entities, from Python lists to a folder. Cells are marked `# %%`."""

# %% Tags in IOB1, BIO or BIOES; these mark food and amounts in recipes.
from pathlib import Path

from elmo_tasks import ElmoTagger

foods = ["butter", "flour", "sugar", "rice", "milk", "beans", "honey", "salt"]
sentences, tags = [], []
for food in foods:
    sentences += [["Add", "two", "cups", "of", food, "."], ["Stir", "the", food, "slowly", "."]]
    tags += [["O", "B-AMOUNT", "I-AMOUNT", "O", "B-FOOD", "O"], ["O", "O", "B-FOOD", "O", "O"]]

# %% A small version of the model of `elmo-tasks train ner`. `settings` has the same keys as `--set`.
tagger = ElmoTagger(
    embedders=["elmo", "chars"],
    settings={"training.epochs": 12, "training.learning_rate": 0.005, "model.hidden": 50, "model.layers": 1},
)
tagger.fit(sentences, tags)

# %% Foods and sentences that do not occur in the training data.
new = ["Add three cups of cream .", "Stir the lentils ."]
found = tagger.predict(new)
for text, of_text in zip(new, found, strict=True):
    print([word for word, tag in zip(text.split(), of_text, strict=True) if tag.endswith("FOOD")])

# %% The run folder contains no pickle; `elmo-tasks predict recipes` can read it, too.
tagger.save("recipes")
assert ElmoTagger.load("recipes").predict(new) == found
assert Path("recipes/config.yaml").is_file()
