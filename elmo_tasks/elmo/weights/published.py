"""Published biLMs of others: their names and the addresses of their files."""

from __future__ import annotations

from dataclasses import dataclass

ALLENNLP = "https://allennlp.s3.amazonaws.com/models/elmo"


@dataclass(frozen=True, slots=True)
class Pair:
    """The two files of a bilm-tf biLM, with size and SHA-256 of the weights, if known."""

    root: str
    options: str
    weights: str
    size: int | None = None
    sha256: str | None = None


def _official(architecture: str, size: int | None = None, sha256: str | None = None) -> Pair:
    stem = f"elmo_{architecture}"
    return Pair(f"{ALLENNLP}/{architecture}", f"{stem}_options.json", f"{stem}_weights.hdf5", size, sha256)


PAIRS = {
    "small": _official(
        "2x1024_128_2048cnn_1xhighway",
        54_402_456,
        "747ba97abce8a5f446558369e10bb0f7931437a46867476fdd156f5d7f576229",
    ),
    "medium": _official("2x2048_256_2048cnn_1xhighway"),
    "original": _official("2x4096_512_2048cnn_2xhighway"),
    "original-5.5b": _official("2x4096_512_2048cnn_2xhighway_5.5B"),
    # Contributed, see https://allennlp.org/elmo; the Basque one is that of https://github.com/stefan-it/plur.
    "pubmed": Pair(
        f"{ALLENNLP}/contributed/pubmed",
        "elmo_2x4096_512_2048cnn_2xhighway_options.json",
        "elmo_2x4096_512_2048cnn_2xhighway_weights_PubMed_only.hdf5",
    ),
    "portuguese": Pair(f"{ALLENNLP}/contributed/pt", "elmo_pt_options.json", "elmo_pt_weights.hdf5"),
    "basque": Pair("https://schweter.eu/cloud/eu-elmo", "options.json", "weights.hdf5"),
}
OTHER_SPELLINGS = dict.fromkeys(("original-5.5B", "5.5b", "5.5B"), "original-5.5b")

# ELMoForManyLangs' README: the zip files of its languages, in this order, have the numbers from 136 on.
_LANGUAGES = """
    ar bg ca cs cu da de el en es et eu fa fi fr ga gl grc he hi hr hu id it
    ja ko la lv nl nb nn pl pt ro ru sk sl sv tr ug uk ur vi zh
"""
ZIPS = {
    f"manylangs-{language}": f"http://vectors.nlpl.eu/repository/11/{number}.zip"
    for number, language in enumerate(_LANGUAGES.split(), 136)
}

NAMES = (*PAIRS, *OTHER_SPELLINGS, *ZIPS)
IN_SHORT = (*PAIRS, "manylangs-LANGUAGE")
"""The names for messages and help; LANGUAGE is a code such as `de`."""
