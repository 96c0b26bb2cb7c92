"""A user's mistake: the sentence in which it ends, and its key in the catalogues."""

from collections.abc import Callable
from typing import Any

import pytest
from alertbox import texts
from alertbox.errors import UserError


def mistake(deed: Callable[..., object], *arguments: Any, **options: Any) -> UserError:
    """The UserError in which a deed ends; it has its sentence in each language."""
    with pytest.raises(UserError) as raised:
        deed(*arguments, **options)
    for language in texts.LANGUAGES:
        texts.choose(language)
        sentence = str(raised.value)
        assert sentence
        assert "{" not in sentence
    texts.choose(None)
    return raised.value


def key_of(deed: Callable[..., object], *arguments: Any, **options: Any) -> str:
    return mistake(deed, *arguments, **options).key
