"""The wizard in a terminal of 80 columns, as a technician sees it: keys in, a screen out.

`pexpect` types, `pyte` is the terminal: what comes out is what stands on the screen and above it, without the redraws
on the way there. `lure()` is one whole run; its transcript stands in host_tools/README.md.
"""

import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pexpect
import pyte
from alertbox.town.invites import Invite

COLUMNS, ROWS = 80, 50
DOWN = "\x1b[B"
_TOOLS = Path(__file__).parent
_PROGRAM = [str(_TOOLS / "provision_box.py")]
_INVITE = Invite("alertes.lure.example", 8884, "ab" * 16, "cd" * 16, None).line


class WizardTerminal:
    """A program on a pty. `answer` waits for a question, and types."""

    def __init__(self, *arguments: str) -> None:
        environment = {**os.environ, "TERM": "xterm-256color", "LANG": "C.UTF-8", "PYTHONIOENCODING": "utf-8"}
        for name in ("LC_ALL", "LC_MESSAGES", "NO_COLOR", "COLUMNS", "LINES"):
            environment.pop(name, None)
        self._screen = pyte.HistoryScreen(COLUMNS, ROWS, history=10_000, ratio=0.5)
        self._stream = pyte.Stream(self._screen)
        self._child = pexpect.spawn(
            sys.executable,
            [*_PROGRAM, *arguments],
            env=environment,
            dimensions=(ROWS, COLUMNS),
            encoding="utf-8",
        )
        self._child.delaybeforesend = None
        self._asked = 0

    def answer(self, question: str, keys: str = "") -> None:
        """`keys` and Enter once `question` stands there as the last one, and not the one answered before."""

        def stands_there() -> bool:
            questions = [line for line in self.text().splitlines() if line.startswith("? ")]
            return len(questions) > self._asked and questions[-1].startswith(f"? {question}")

        self._until(stands_there, question)
        self._asked += 1
        self._child.send(keys + "\r")

    def interrupt(self, question: str) -> None:
        """Ctrl-C at a question."""
        self._until(lambda: f"? {question}" in self.text(), question)
        self._child.send("\x03")

    def end(self) -> int:
        """Wait for its end; its exit status."""
        with contextlib.suppress(pexpect.EOF):
            while True:
                self._hear()
        self._child.close()
        return int(self._child.exitstatus or 0)

    def _until(self, done: Callable[[], bool], wanted: str) -> None:
        while not done():
            try:
                self._hear()
            except (pexpect.EOF, pexpect.TIMEOUT) as error:
                raise AssertionError(f"{wanted!r} was not asked:\n{self.text()}") from error

    def _hear(self) -> None:
        self._stream.feed(self._child.read_nonblocking(4096, timeout=20))

    def text(self) -> str:
        """Everything that was on the screen, from the first line on."""
        history = ["".join(line[column].data for column in range(COLUMNS)) for line in self._screen.history.top]
        return "\n".join(line.rstrip() for line in [*history, *self._screen.display]).strip("\n") + "\n"


def lure(write: bool = True) -> tuple[int, str]:
    """A blank box for a shop in Lure, in French: exit status, and the transcript."""
    terminal = WizardTerminal("provision")
    terminal.answer("Nom de la boutique", "Tabac de la Gare")
    terminal.answer("Adresse", "12 rue de la Gare, 70200 Lure")
    terminal.answer("Latitude, longitude", "47.6864, 6.4962")
    terminal.answer("Nom du contact", "Marie Durand")
    terminal.answer("Numéro de Marie Durand", "17")
    terminal.answer("Numéro de Marie Durand", "\x15" + "06 12 34 56 78")
    terminal.answer("Comment joindre Marie Durand ?")
    terminal.answer("Marie Durand : aussi")
    terminal.answer("Si Marie Durand prend en charge")
    terminal.answer("Contacts : 1 sur 5", DOWN)
    terminal.answer("Nom du contact", "Police municipale")
    terminal.answer("Numéro de Police municipale", "03 84 30 00 00")
    terminal.answer("Comment joindre Police municipale ?", DOWN + DOWN)
    terminal.answer("Si Police municipale prend en charge")
    terminal.answer("Contacts : 2 sur 5")
    terminal.answer("Le boîtier utilise-t-il le Wi-Fi")
    terminal.answer("Quel réseau ?")
    terminal.answer("Clé de Livebox-4F2A", "motdepasse")
    terminal.answer("Essayer Livebox-4F2A maintenant ?")
    terminal.answer("Réseaux : 1 sur 3")
    terminal.answer("Point d'accès (APN)")
    terminal.answer("La carte SIM demande-t-elle un code PIN ?")
    terminal.answer("Tout est-il juste ?")
    terminal.answer("Invitation", _INVITE)
    terminal.answer("Écrire cela dans le boîtier ?", "" if write else DOWN)
    if write:
        terminal.answer("Envoyer une alerte d'essai ?")
    else:
        terminal.answer("Tout est-il juste ?", "\x1b[A")
    return terminal.end(), terminal.text()


if __name__ == "__main__":
    print(lure()[1])
