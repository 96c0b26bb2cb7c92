"""The catalogues: the same keys and fields in every language, and nobody asks for a key that is not there."""

import re
from pathlib import Path
from string import Formatter

import pytest
from alertbox import texts

SOURCES = sorted((Path(texts.__file__).parent).rglob("*.py"))
# Where a key is given as a plain string.
ASKED = re.compile(r"""(?:say|UserError)\(\s*["']([a-z0-9-]+)["']\s*[,)]""")


def fields(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name is not None}


def test_every_language_has_the_same_keys():
    english, french = (set(texts.catalogue(language)) for language in texts.LANGUAGES)
    assert english ^ french == set()


def test_every_sentence_is_there_and_has_the_same_fields_in_every_language():
    english, french = map(texts.catalogue, texts.LANGUAGES)
    assert [key for key in english if fields(english[key]) != fields(french[key])] == []
    assert [key for key in english if not english[key] or not french[key]] == []


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_every_key_that_the_code_names_has_a_sentence(source: Path):
    known = texts.catalogue("en")
    assert [key for key in ASKED.findall(source.read_text()) if key not in known] == []


def test_a_french_sentence_has_a_space_before_its_high_punctuation():
    """As French is set; addresses (`mqtts://`, `HOTE:PORT`), options and times aside."""
    bad = re.compile(r"[a-zéèà]([;!?]|:(?!\S))(\s|$)")
    assert [key for key, sentence in texts.catalogue("fr").items() if bad.search(sentence)] == []
