"""The screens of `alertbox provision`: what was found, what would change, what the contacts will read, what was done.

For a terminal of 80 columns. Secrets are dots; numbers are in full, for they are what the technician checks. Nothing
here goes to a log.
"""

import sys
import textwrap
from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from alertbox.contract.settings import Change, Contact, Settings, default, diff, label
from alertbox.provision import numbers, sms
from alertbox.provision.writing import FoundBox
from alertbox.texts import say

_DOTS = "••••"
_WIDTH = 80
# Fields whose values are words of ours, by the last name of their path; policy.contacts has a vocabulary of its own.
_WORDS = {
    "by": "by",
    "click": "kind",
    "double": "kind",
    "hold": "kind",
    "language": "language",
    "inform": "who",
    "help": "who",
    "alarm": "who",
}


def fingerprint(box_id: str) -> str:
    """In groups of four, as it is compared by eye."""
    return " ".join(textwrap.wrap(box_id, 4))


def word(group: str, value: str) -> str:
    return say(f"provision-word-{group}-{value}")


def title(part: str) -> str:
    """A whole part's name."""
    return say(f"provision-title-{part}")


def value(path: tuple[str | int, ...], held: object, change: Change | None = None) -> str:
    """A field's value for people. Whole list items are told in a line."""
    if isinstance(held, dict):
        return _item(str(path[0]), held)
    if change is not None and change.secret:
        return "—" if held == "" else _DOTS
    if held is None or held == "":
        return "—"
    if isinstance(held, bool):
        return say("provision-yes" if held else "provision-no")
    if isinstance(held, list):
        return ", ".join(map(str, held))
    name = str(path[-1])
    if name == "number":
        return numbers.show(str(held))
    if name in _WORDS and path[0] != "templates" or name == "language":
        return word(_WORDS[name], str(held))
    return str(held)


def _item(part: str, row: dict[str, object]) -> str:
    if part == "contacts":
        return f"{row['name']}\n{numbers.show(str(row['number']))}\n{word('by', str(row['by']))}"
    if part == "silent_hours":
        return f"{row['from']} – {row['to']}"
    if part == "bips" and "mac" in row:
        return f"{row['name']}\n{row['mac']}"
    if part == "wifi":
        return f"{row['ssid']}\n{_DOTS if row['key'] != '' else say('provision-open-network')}"
    return ", ".join(word("kind", str(kind)) for kind in row.values())


class Screen:
    """Prints to `console`; standard output, 80 columns wide, if none is given."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(file=sys.stdout, highlight=False, width=_WIDTH, emoji=False)

    def line(self, key: str, style: str = "", **fields: object) -> None:
        self.console.print(Text(say(key, **fields), style=style))

    def good(self, key: str, **fields: object) -> None:
        self.console.print(Text.assemble(("✓ ", "bold green"), say(key, **fields)))

    def warn(self, sentence: str) -> None:
        self.console.print(Text.assemble(("! ", "bold yellow"), sentence))

    def heading(self, key: str, **fields: object) -> None:
        self.console.print()
        self.console.rule(Text(say(key, **fields), style="bold"), align="left", characters="─")

    def gap(self) -> None:
        self.console.print()

    def _grid(self, rows: Iterable[tuple[str, str]], width: int = 16) -> None:
        grid = Table.grid(padding=(0, 2))
        grid.add_column(style="dim", width=width)
        grid.add_column(overflow="fold")
        for name, content in rows:
            grid.add_row(escape(name), escape(content))
        self.console.print(Padding(grid, (0, 0, 0, 2)))

    # ---- the box and its settings ----

    def found(self, found: FoundBox, path: str) -> None:
        """Who answers, and in what state."""
        self.heading("provision-screen-box")
        state = ["provision-state-enrolled" if found.enrolled else "provision-state-not-enrolled"]
        state.append("provision-state-locked" if found.locked else "provision-state-open")
        rows = [
            (say("provision-screen-port"), path),
            (say("provision-screen-fingerprint"), fingerprint(found.box)),
            (say("provision-screen-version"), say("provision-version", version=found.version, board=found.board)),
            (say("provision-screen-state"), ", ".join(map(say, state))),
        ]
        self._grid(rows)

    def settings(self, settings: Settings) -> None:
        """Everything that matters, on one screen."""
        self.heading("provision-screen-settings")
        shop, usual = settings.shop, default()
        place = "" if shop.latitude is None else f"{shop.latitude:.4f}, {shop.longitude:.4f}"
        contacts = [
            f"{contact.rank}. {contact.name} · {numbers.show(contact.number)} · {word('by', contact.by)}"
            for contact in sorted(settings.contacts, key=lambda contact: contact.rank)
        ]
        receiver = settings.receiver
        rows = [
            (title("shop"), "\n".join(part for part in (shop.name, shop.address, place) if part)),
            (title("contacts"), "\n".join(contacts)),
            (title("wifi"), "\n".join(network.ssid for network in settings.wifi)),
            (title("lte"), settings.lte.apn or say("provision-sim-own")),
            (title("receiver"), f"{receiver.host}:{receiver.port}" if receiver.host else ""),
            (title("policy"), _gestures(settings)),
            (title("templates"), word("language", settings.templates.language)),
        ]
        if settings.bips:
            rows.append((title("bips"), ", ".join(bip.name for bip in settings.bips)))
        if settings.silent_hours:
            rows.append((title("silent_hours"), f"{settings.silent_hours.begin} – {settings.silent_hours.to}"))
        if settings.siren != usual.siren:
            rows.append((title("siren"), settings.siren.form or say("provision-no")))
        self._grid((name, content or "—") for name, content in rows)

    def row(self, place: int, row: object) -> None:
        """A contact or a network in a list that is being edited."""
        if isinstance(row, Contact):
            words = f"{row.name} · {numbers.show(row.number)} · {word('by', row.by)}"
        else:
            words = getattr(row, "ssid", str(row))
        self.console.print(Text.assemble((f"  {place}. ", "cyan"), words))

    def doubts(self, settings: Settings) -> None:
        for doubt in numbers.doubts(settings.contacts):
            self.warn(str(doubt))

    # ---- what the contacts will read ----

    def previews(self, settings: Settings) -> None:
        """Each SMS as it arrives, how long it is, who gets it."""
        self.heading("provision-screen-sms")
        for kind, text in sms.previews(settings).items():
            readers = ", ".join(contact.name for contact in sms.readers(settings, kind))
            self.console.print(
                Text.assemble("  ", (word("kind", kind), "bold"), f" → {readers or say('provision-nobody')}")
            )
            self.console.print(Padding(Text(text.text), (0, 2, 0, 4)))
            size = say("provision-sms-size", alphabet=text.alphabet, length=text.length, fits=text.fits)
            parts = say("provision-sms-one" if text.parts == 1 else "provision-sms-parts", parts=text.parts)
            costly = say("provision-sms-costly", characters=" ".join(text.costly)) if text.costly else ""
            self.console.print(Padding(Text(f"{size} · {parts}{costly}", style="dim"), (0, 2, 0, 4)))

    # ---- what would change ----

    def changes(self, old: Settings, new: Settings) -> list[Change]:
        changes = diff(old, new)
        self.heading("provision-screen-changes", count=len(changes))
        if not changes:
            self.line("provision-no-changes")
            return changes
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), expand=False)
        for name, width in (
            ("provision-column-field", 26),
            ("provision-column-now", 22),
            ("provision-column-then", 26),
        ):
            table.add_column(say(name), overflow="fold", width=width)
        for change in changes:
            old_text = value(change.path, change.old, change)
            new_text = value(change.path, change.new, change)
            table.add_row(escape(label(change.path)), Text(old_text, style="red dim"), Text(new_text, style="green"))
        self.console.print(table)
        return changes

    # ---- what was done ----

    def fingerprints(self, ours: str, theirs: str) -> None:
        self.heading("provision-screen-enrolment")
        self._grid(
            [
                (say("provision-screen-on-box"), fingerprint(ours)),
                (say("provision-screen-at-receiver"), fingerprint(theirs)),
            ]
        )

    def differences(self, found: Sequence[Change]) -> None:
        if not found:
            self.good("provision-no-differences")
            return
        for change in found:
            self.warn(
                say(
                    "provision-difference",
                    field=label(change.path),
                    written=value(change.path, change.old, change).replace("\n", " "),
                    read=value(change.path, change.new, change).replace("\n", " "),
                )
            )


def _gestures(settings: Settings) -> str:
    button = settings.policy.button
    return "\n".join(
        f"{say(f'provision-gesture-{name}')} → {word('kind', getattr(button, name))}"
        for name in ("click", "double", "hold")
    )
