"""Use ELMo vectors in a scikit-learn pipeline: which layer is best for sentiment? Cells are marked `# %%`."""

# %% The sample of opinions inside the package; you can use any texts or lists of tokens.
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import classification_report
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from elmo_tasks import ElmoVectorizer, load_data, load_task

splits = load_data("sample-sentiment", load_task("sentiment").read)
texts = {name: [example.tokens for example in splits.get(name)] for name in ("train", "test")}
labels = {name: [example.label for example in splits.get(name)] for name in ("train", "test")}

# %% A text is represented by the mean of its word vectors; the layer is a parameter like any other.
pipeline = make_pipeline(ElmoVectorizer(), StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
search = GridSearchCV(pipeline, {"elmovectorizer__layers": [0, 1, 2, "average"]}, cv=3)
search.fit(texts["train"], labels["train"])
for layers, score in zip((0, 1, 2, "average"), search.cv_results_["mean_test_score"], strict=True):
    print(f"layers {layers}: {score:.3f}")

# %%
print(classification_report(labels["test"], search.predict(texts["test"])))
assert search.score(texts["test"], labels["test"]) > 0.6
