"""The spaCy components: vectors against the embedder, entities against the run, and pipelines that are stored."""

from __future__ import annotations

import multiprocessing
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc

from elmo_tasks.core.errors import InputError
from elmo_tasks.elmo import ElmoEmbedder
from elmo_tasks.embedders.elmo import BilmEmbedder
from elmo_tasks.integrations.spacy import entities, vectors
from elmo_tasks.integrations.spacy.vectors import set_hooks
from elmo_tasks.runs import hub
from elmo_tasks.runs.predict import predict

ROOT = Path(__file__).resolve().parents[3]
TEXT = "Ada lives in Oslo. Bo lives in Rome."


@pytest.fixture
def nlp(bilm_name: str) -> Language:
    """A blank pipeline with the vectors of a tiny random biLM."""
    assert vectors.make_elmo and entities.make_elmo_ner  # importing the modules is what makes the names known
    pipeline = spacy.blank("en")
    pipeline.add_pipe("elmo", config={"weights": bilm_name})
    return pipeline


def test_a_doc_without_boundaries_is_one_sentence(nlp: Language, bilm_name: str) -> None:
    doc = nlp("Ada  lives here .")
    assert [token.text for token in doc] == ["Ada", " ", "lives", "here", "."]
    (layers,) = BilmEmbedder(bilm_name).embed([["Ada", "lives", "here", "."]])
    np.testing.assert_allclose(doc.tensor[[0, 2, 3, 4]], layers.mean(dim=0), atol=1e-6)
    assert doc.tensor.dtype == np.float32 and not doc.tensor[1].any()
    np.testing.assert_allclose(doc.vector, layers.mean(dim=(0, 1)), atol=1e-6)


def test_sentences_are_read_on_their_own(nlp: Language, bilm_name: str) -> None:
    nlp.add_pipe("sentencizer", first=True)
    doc = nlp(TEXT)
    first, second = BilmEmbedder(bilm_name).embed(
        [["Ada", "lives", "in", "Oslo", "."], ["Bo", "lives", "in", "Rome", "."]]
    )
    np.testing.assert_allclose(doc.tensor[:5], first.mean(dim=0), atol=1e-6)
    np.testing.assert_allclose(doc.tensor[5:], second.mean(dim=0), atol=1e-6)


def test_one_layer(bilm_name: str) -> None:
    pipeline = spacy.blank("en")
    pipeline.add_pipe("elmo", config={"weights": bilm_name, "layers": 1})
    (layers,) = BilmEmbedder(bilm_name).embed([["Ada", "lives"]])
    np.testing.assert_allclose(pipeline("Ada lives").tensor, layers[1], atol=1e-6)


def test_vectors_norms_and_similarities(nlp: Language) -> None:
    doc, other = nlp("Ada  lives here"), nlp("Bo sleeps")
    span = doc[0:3]
    np.testing.assert_array_equal(doc[2].vector, doc.tensor[2])
    np.testing.assert_allclose(span.vector, (doc.tensor[0] + doc.tensor[2]) / 2, rtol=1e-5)
    assert doc.has_vector and span.has_vector and doc[0].has_vector and not doc[1].has_vector
    assert doc[0].vector_norm == pytest.approx(np.sqrt((doc.tensor[0] ** 2).sum()), rel=1e-5)
    for one, two in [(doc, other), (span, other), (doc[0], other[1]), (doc[0], span)]:
        expected = one.vector @ two.vector / (one.vector_norm * two.vector_norm)
        assert one.vector_norm == pytest.approx(float(np.linalg.norm(one.vector)), rel=1e-5)
        assert one.similarity(two) == pytest.approx(float(expected), abs=1e-5)
    assert doc[0].similarity(doc[0]) == pytest.approx(1.0) and doc[0].similarity(doc[1]) == 0.0


def test_a_stream_gives_what_single_docs_give(nlp: Language) -> None:
    texts = ["Ada lives in Oslo", "", "  ", "Bo"]
    for doc, text in zip(nlp.pipe(texts, batch_size=3), texts, strict=True):
        np.testing.assert_allclose(doc.tensor, nlp(text).tensor, atol=1e-6)
        assert doc.tensor.shape == (len(doc), 12) and doc.vector.shape == (12,)


def test_something_from_another_pipeline_has_no_similarity(nlp: Language) -> None:
    stranger = spacy.blank("en")("Ada")
    with pytest.raises(InputError, match="the vectors have different widths, 12 and 0; process both"):
        nlp("Ada").similarity(stranger)


def test_a_stored_doc_gets_its_hooks_again(nlp: Language) -> None:
    doc = nlp("Ada  lives")
    with pytest.warns(UserWarning, match="Re-add any required user hooks"):
        data = doc.to_bytes()
    again = set_hooks(Doc(nlp.vocab).from_bytes(data))
    np.testing.assert_array_equal(again.vector, doc.vector)


def test_a_stored_pipeline_carries_its_own_biLM(nlp: Language, bilm_name: str, tmp_path: Path) -> None:
    nlp.to_disk(tmp_path / "pipeline")
    before = nlp(TEXT).tensor
    Path(bilm_name).rename(tmp_path / "elsewhere.safetensors")
    after = spacy.load(tmp_path / "pipeline")
    assert after.pipe_names == ["elmo"] and after.config["components"]["elmo"]["weights"] == bilm_name
    np.testing.assert_array_equal(after(TEXT).tensor, before)


def test_a_biLM_that_is_known_by_name_is_not_stored(tmp_path: Path) -> None:
    pipeline = spacy.blank("en")
    pipeline.add_pipe("elmo")
    pipeline.to_disk(tmp_path / "pipeline")
    assert not list((tmp_path / "pipeline").rglob("*.safetensors"))
    assert spacy.load(tmp_path / "pipeline")("Rain").tensor.shape == (1, 256)


def test_entities_are_those_of_the_run(run_folder: Path) -> None:
    pipeline = spacy.blank("en")
    pipeline.add_pipe("sentencizer")
    pipeline.add_pipe("elmo_ner", config={"run": str(run_folder)})
    docs = list(pipeline.pipe([TEXT, "", "Ada  lives in Rome ."]))
    assert [(entity.text, entity.label_) for entity in docs[0].ents] == [
        ("Ada", "PER"),
        ("Oslo", "LOC"),
        ("Bo", "PER"),
        ("Rome", "LOC"),
    ]
    assert docs[1].ents == ()
    frame = next(predict(run_folder, ["Ada lives in Rome ."]))
    assert [(e.text, e.label_) for e in docs[2].ents] == [(e["text"], e["type"]) for e in frame["entities"]]
    assert docs[2][0].ent_iob_ == "B" and docs[2][2].ent_iob_ == "O"


def test_a_stored_pipeline_carries_its_own_run(run_folder: Path, tmp_path: Path) -> None:
    pipeline = spacy.blank("en")
    pipeline.add_pipe("elmo_ner", config={"run": str(run_folder)})
    pipeline.to_disk(tmp_path / "pipeline")
    run_folder.rename(tmp_path / "elsewhere")
    assert [e.text for e in spacy.load(tmp_path / "pipeline")("Ada lives in Rome .").ents] == ["Ada", "Rome"]


def test_the_tagger_in_the_package_is_the_default(
    run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taggers = {"ner": run_folder}
    monkeypatch.setattr(hub, "tagger_folder", taggers.get)
    pipeline = spacy.blank("en")
    pipeline.add_pipe("elmo_ner")
    assert [ent.text for ent in pipeline("Ada lives in Rome .").ents] == ["Ada", "Rome"]
    taggers.clear()
    monkeypatch.chdir(tmp_path)
    pipeline = spacy.blank("en")
    pipeline.add_pipe("elmo_ner")
    with pytest.raises(InputError, match="^ner: no such folder, and the package has no trained tagger of that name"):
        pipeline("Ada lives in Rome .")


def test_a_run_that_is_not_there_or_of_another_task(run_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = spacy.blank("en")
    pipeline.add_pipe("elmo_ner", config={"run": "nowhere"})
    with pytest.raises(InputError, match="nowhere: no such folder"):
        pipeline("Ada")
    component = entities.ElmoEntities(str(run_folder))
    monkeypatch.setattr(entities, "load_trained", lambda _: _OfAnotherTask)
    with pytest.raises(InputError, match="the task of the run is srl, not ner"):
        component(spacy.blank("en")("Ada"))


class _OfAnotherTask:
    class task:
        name = "srl"


def test_installed_the_names_are_known_without_an_import(tmp_path: Path, bilm_name: str) -> None:
    """The entry points of pyproject.toml, in the form that an installed package has them."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (lines,) = re.findall(r"^\[project\.entry-points\.spacy_factories\]\n((?:.+\n)+)", text, re.MULTILINE)
    information = tmp_path / "elmo_tasks-0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: elmo-tasks-entry-points\nVersion: 0\n")
    (information / "entry_points.txt").write_text("[spacy_factories]\n" + lines.replace('"', ""))
    program = (
        f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(ROOT)!r}]\n"
        "import spacy; nlp = spacy.blank('en')\n"
        f"nlp.add_pipe('elmo', config={{'weights': {bilm_name!r}}})\n"
        "nlp.add_pipe('elmo_ner', config={'run': 'some/where'})\n"
        "print(nlp.pipe_names, nlp.get_pipe('elmo')(nlp.make_doc('Ada')).tensor.shape)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout == "['elmo', 'elmo_ner'] (1, 12)\n", done.stderr


PROCESSES = """
import multiprocessing, sys
import spacy, torch
from elmo_tasks.integrations.spacy.vectors import set_hooks
from elmo_tasks.integrations.spacy import entities

def main(method, bilm, run):
    multiprocessing.set_start_method(method)
    torch.set_num_threads(2)
    nlp = spacy.blank("en")
    nlp.add_pipe("elmo", config={"weights": bilm, "precision": "exact"})
    nlp.add_pipe("elmo_ner", config={"run": run})
    texts = [f"Ada number {index} lives in Oslo ." for index in range(30)]
    alone = list(nlp.pipe(texts))  # the components are loaded, and PyTorch's threads have begun
    together = list(nlp.pipe(texts, n_process=2, batch_size=7))
    for one, other in zip(alone, together, strict=True):
        assert abs(one.tensor - other.tensor).max() <= 1e-6
        assert [(e.text, e.label_) for e in one.ents] == [(e.text, e.label_) for e in other.ents]
        assert abs(set_hooks(other).vector - one.vector).max() <= 1e-6
    print("equal")

if __name__ == "__main__":
    main(*sys.argv[1:])
"""


@pytest.mark.slow
@pytest.mark.parametrize("method", [m for m in ("fork", "spawn") if m in multiprocessing.get_all_start_methods()])
def test_processes(method: str, bilm_name: str, run_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROCESSES)
    command = [sys.executable, str(tmp_path / "program.py"), method, bilm_name, str(run_folder)]
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
    done = subprocess.run(command, capture_output=True, text=True, timeout=250, env=environment, check=False)
    assert done.stdout == "equal\n", done.stderr


def test_threads_share_components(bilm_name: str, run_folder: Path) -> None:
    def pipeline() -> Language:
        nlp = spacy.blank("en")
        nlp.add_pipe("elmo", config={"weights": bilm_name, "precision": "exact"})
        nlp.add_pipe("elmo_ner", config={"run": str(run_folder)})
        return nlp

    shared, texts = pipeline(), [f"Ada w{number % 37} lives in Oslo ." for number in range(200)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda start: list(shared.pipe(texts[start::8], batch_size=3)), range(8)))
    expected = list(pipeline().pipe(texts))
    for start, docs in enumerate(found):
        for doc, other in zip(docs, expected[start::8], strict=True):
            assert abs(doc.tensor - other.tensor).max() <= 1e-6
            assert [str(entity) for entity in doc.ents] == [str(entity) for entity in other.ents]


def test_exact_vectors_are_those_of_the_embedder(bilm_name: str) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("elmo", config={"weights": bilm_name, "layers": 2, "precision": "exact"})
    expected = ElmoEmbedder.from_pretrained(bilm_name).embed_sentence(["Rain", "fell", "."])[2]
    assert abs(nlp("Rain fell .").tensor - expected).max() <= 1e-5
