"""One question at a time: a hint, the question, and again if the answer cannot be.

Every question has a name; its words are `provision-ask-<name>` and `provision-hint-<name>` in the catalogues.
"""

import os
import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

import questionary
from prompt_toolkit.styles import Style
from rich.padding import Padding
from rich.text import Text

from alertbox.errors import UserError
from alertbox.provision.report import Screen
from alertbox.texts import say

_T = TypeVar("_T")
_STYLE = Style.from_dict({"qmark": "ansicyan", "question": "bold", "answer": "ansigreen", "pointer": "ansicyan bold"})


class Ask:
    """Asks at the terminal; KeyboardInterrupt leaves."""

    def __init__(self, screen: Screen) -> None:
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise UserError("provision-no-terminal")
        # Else it asks the terminal where the cursor is, and complains of those that do not know.
        os.environ.setdefault("PROMPT_TOOLKIT_NO_CPR", "1")
        self._screen = screen

    def text(
        self,
        name: str,
        default: str,
        check: Callable[[str], _T],
        /,
        brief: Callable[[_T], str] | None = None,
        **fields: object,
    ) -> _T:
        """What `check` makes of the answer; its UserError is shown, and the question put again.

        brief: what is left on the screen of a long answer.
        """
        self._hint(name, fields)
        while True:
            question = self._question(name, fields)
            answer = questionary.text(
                question, default=default, style=_STYLE, erase_when_done=brief is not None
            ).unsafe_ask()
            try:
                value = check(answer.strip())
            except UserError as error:
                self._screen.warn(str(error))
                default = answer
                continue
            if brief:
                self._screen.console.print(
                    Text.assemble(("? ", "cyan"), (question, "bold"), " ", (brief(value), "green"))
                )
            return value

    def secret(self, name: str, check: Callable[[str], _T], /, **fields: object) -> _T:
        """The same, with dots."""
        self._hint(name, fields)
        while True:
            answer = questionary.password(self._question(name, fields), style=_STYLE).unsafe_ask()
            try:
                return check(answer)
            except UserError as error:
                self._screen.warn(str(error))

    def yes(self, name: str, default: bool, /, **fields: object) -> bool:
        return self.choose(name, [(say("provision-yes"), True), (say("provision-no"), False)], default, **fields)

    def choose(
        self, name: str, choices: Sequence[tuple[str, _T]], default: _T | None = None, /, **fields: object
    ) -> _T:
        """The value of one of the choices, (words, value)."""
        self._hint(name, fields)
        offered = [questionary.Choice(words, value=place) for place, (words, _) in enumerate(choices)]
        first = next((offered[place] for place, (_, value) in enumerate(choices) if value == default), None)
        place: int = questionary.select(
            self._question(name, fields),
            offered,
            default=first,
            style=_STYLE,
            instruction=say("provision-arrows"),
        ).unsafe_ask()
        return choices[place][1]

    def _question(self, name: str, fields: dict[str, object]) -> str:
        return say(f"provision-ask-{name}", **fields)

    def _hint(self, name: str, fields: dict[str, object]) -> None:
        self._screen.gap()
        self._screen.console.print(Padding(Text(say(f"provision-hint-{name}", **fields), style="dim"), (0, 0, 0, 2)))
