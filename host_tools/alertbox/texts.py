"""The sentences that a person reads: gettext catalogues in `locale/`, found by a key.

`locale/<language>/<area>.po`: msgid is the key, msgstr the sentence, with {fields}. They are read as they are, so
that nothing has to be compiled after a change. The language is that of `--lang`, else of LC_ALL, LC_MESSAGES or
LANG, else English.
"""

import os
from functools import cache
from pathlib import Path

import polib

LANGUAGES = ("en", "fr")
LOCALE = Path(__file__).parent / "locale"

_chosen: str | None = None


def choose(language: str | None) -> None:
    """Fix the language for this process; None goes back to the environment's."""
    global _chosen
    _chosen = language


def language() -> str:
    """`en` or `fr`."""
    if _chosen:
        return _chosen
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(variable)
        if value:
            return "fr" if value.lower().startswith("fr") else "en"
    return "en"


def say(key: str, **fields: object) -> str:
    """The sentence for `key` in the language in force."""
    return catalogue(language())[key].format(**fields)


@cache
def catalogue(language: str) -> dict[str, str]:
    """All sentences of a language, by key. A key that two areas use is a mistake of ours."""
    sentences: dict[str, str] = {}
    for file in sorted((LOCALE / language).glob("*.po")):
        for entry in polib.pofile(str(file)):
            if entry.msgid in sentences:
                raise KeyError(f"{file.name}: {entry.msgid} is in another catalogue too")
            sentences[entry.msgid] = entry.msgstr
    return sentences
