"""`alertbox provision`: make a box a shop's own, over its USB serial port."""

import contextlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click

from alertbox import texts
from alertbox.box.finding import find_box
from alertbox.box.session import BoxConsole
from alertbox.contract.settings import ReceiverAddress, Settings, diff
from alertbox.errors import UserError
from alertbox.provision import numbers, shopfile, writing
from alertbox.provision.asking import Ask
from alertbox.provision.report import Screen
from alertbox.provision.wizard import Wizard
from alertbox.provision.writing import BoxCalls, FoundBox
from alertbox.texts import say
from alertbox.town import Town
from alertbox.town.invites import Enrolled, Invite
from alertbox.town.technicians import Technician

_EPILOG = """\b
Examples:
  alertbox provision                                  questions, in French (alertbox --lang en provision: in English)
  alertbox provision --file shop.toml --dry-run       check a file, with or without a box
  alertbox provision --file shop.toml --yes --invite ab1...
  alertbox provision --export shop.toml               what the box holds, without its secrets

A shop.toml may hold the Wi-Fi's key: keep such a file as you keep the key, or leave the key out, and give it when asked
or in $ALERTBOX_WIFI_KEY (_2, _3 for further networks), $ALERTBOX_LTE_PASSWORD, $ALERTBOX_LTE_PIN. Nothing secret stays
on this computer. host_tools/shop.example.toml explains every field."""

_Source = Callable[[str, str], Enrolled]


@dataclass(frozen=True)
class _Options:
    file: Path | None
    dry_run: bool
    yes: bool
    enrol: bool
    test: bool
    lock: bool


@click.command(epilog=_EPILOG)
@click.argument("port", required=False)
@click.option("--file", type=click.Path(path_type=Path), help="Take the settings from this shop.toml; no questions.")
@click.option("--dry-run", is_flag=True, help="Show what would change and write nothing; works without a box too.")
@click.option("--yes", is_flag=True, help="With --file: write without asking.")
@click.option(
    "--export", type=click.Path(path_type=Path), metavar="FILE", help="Write the box's settings to FILE; no more."
)
@click.option("--enrol", is_flag=True, help="Enrol again a box that is enrolled; its former enrolment is revoked.")
@click.option("--invite", metavar="LINE", help="The line from `alertbox receiver invite`.")
@click.option(
    "--town", type=click.Path(path_type=Path), metavar="FOLDER", help="Enrol in the town of this folder instead."
)
@click.option("--receiver", metavar="HOST[:PORT]", help="With --town: where the box finds the receiver.")
@click.option(
    "--technician", type=click.Path(path_type=Path), metavar="FOLDER", help="Your key, to unlock a locked box."
)
@click.option("--test", is_flag=True, help="With --file: at the end send a test alert and wait for the receiver.")
@click.option("--lock", is_flag=True, help="At the end lock the box: only technicians of its town change it then.")
@click.pass_context
def command(
    context: click.Context,
    /,
    port: str | None,
    export: Path | None,
    invite: str | None,
    town: Path | None,
    receiver: str | None,
    technician: Path | None,
    **options: object,
) -> None:
    """Make the box at PORT (default: the one that answers) a shop's own: its settings, its enrolment, a test.

    Shows what would change before it writes, restarts the box, reads everything back and compares. Ctrl-C before the
    writing leaves everything as it was.
    """
    todo = _Options(**options)  # type: ignore[arg-type]
    if not todo.file and not export and not context.find_root().params.get("lang"):
        texts.choose("fr")
    if todo.yes and not todo.file:
        raise UserError("provision-yes-needs-file")
    screen = Screen()
    source = _source(invite, town, receiver)
    if todo.enrol and todo.file and source is None:
        raise UserError("provision-enrol-needs-invite")
    key = Technician.open(technician, _passphrase) if technician else None
    with contextlib.ExitStack() as stack:
        console = None
        if port or not todo.dry_run:
            path = port or find_box()
            console = stack.enter_context(open_box(path))
            found = writing.meet(console, key)
            screen.found(found, path)
        else:
            found = writing.nobody()
            screen.line("provision-without-box", "dim")
        if export:
            _export(screen, found, export)
        else:
            _Run(screen, todo, found, console=console, source=source, key=key).go()


def open_box(path: str) -> BoxConsole:
    """The console of the box at a port. (Tests put a box of their own here.)"""
    return BoxConsole(path)


class _Run:
    """One box from what was found to what was proved. `touched`: whether the box may have been written."""

    def __init__(
        self,
        screen: Screen,
        todo: _Options,
        found: FoundBox,
        *,
        console: BoxCalls | None,
        source: _Source | None,
        key: Technician | None,
    ) -> None:
        self._screen = screen
        self._todo = todo
        self._found = found
        self._console = console
        self._source = source
        self._key = key
        self._ask: Ask | None = None
        self._touched = False

    def go(self) -> None:
        try:
            settings = self._settings()
            if settings is None or self._console is None:
                self._screen.line("provision-dry-run", "bold")
                return
            self._write(self._console, settings)
        except KeyboardInterrupt:
            raise UserError("provision-interrupted" if self._touched else "provision-left") from None

    # ---- before writing ----

    def _settings(self) -> Settings | None:
        """What to write, agreed to; None if nothing is to be written."""
        if self._todo.file:
            settings = self._news(shopfile.load(self._todo.file, self._found.settings, _ask_key(self._todo.dry_run)))
            self._show(settings)
            if self._todo.dry_run:
                return None
            if self._would_write(settings) and not self._todo.yes:
                self._ask = Ask(self._screen)
                if not self._ask.yes("write", True):
                    raise KeyboardInterrupt
            return settings
        self._ask = Ask(self._screen)
        self._screen.gap()
        self._screen.line("provision-welcome")
        wizard = Wizard(self._ask, self._screen, self._found.settings, self._console)
        if not self._found.settings.contacts:
            wizard.walk()
        while True:
            wizard.review()
            wizard.settings = self._news(wizard.settings)
            self._ask_invite()
            self._show(wizard.settings)
            if self._todo.dry_run:
                return None
            if not self._would_write(wizard.settings) or self._ask.yes("write", True):
                return wizard.settings

    def _news(self, settings: Settings) -> Settings:
        """Without the secrets that are none of it."""
        return writing.keep_known_secrets(self._console, self._found.settings, settings) if self._console else settings

    def _show(self, settings: Settings) -> None:
        """Before anything is written: refuse what may not be called, show the SMS and the differences."""
        numbers.refuse(settings.contacts)
        if self._todo.file:
            self._screen.doubts(settings)
        self._screen.previews(settings)
        self._screen.changes(self._found.settings, settings)
        if self._wants_enrolment:
            key = "provision-will-enrol" if self._source else "provision-not-enrolled"
            self._screen.line(key) if self._source else self._screen.warn(say(key))

    @property
    def _wants_enrolment(self) -> bool:
        return self._todo.enrol or not self._found.enrolled

    def _would_write(self, settings: Settings) -> bool:
        return bool(self._wants_enrolment and self._source or diff(self._found.settings, settings))

    def _ask_invite(self) -> None:
        if self._ask and self._wants_enrolment and self._source is None:
            invite = self._ask.text("invite", "", _invite, brief=lambda invite: invite.address if invite else "—")
            self._source = invite.redeem if invite else None

    # ---- writing ----

    def _write(self, console: BoxCalls, settings: Settings) -> None:
        if self._would_write(settings):
            settings = self._put(console, settings)
            self._screen.line("provision-restarting", "dim")
            writing.restart(console, self._key)
            different = writing.differences(settings, console)
            self._screen.differences(different)
            if different:
                raise UserError("provision-different", count=len(different))
        enrolled = console.call("status")["enrolled"]
        if self._todo.test or (self._ask and not self._todo.file and enrolled and self._ask.yes("test", True)):
            self._screen.line("provision-testing", "dim", seconds=writing.TEST_SECONDS)
            writing.try_alert(console)
            self._screen.good("provision-test-received")
        if self._todo.lock:
            console.call("lock")
            self._screen.good("provision-locked-now")
        self._screen.gap()
        self._screen.line("provision-done", "bold", box=self._found.box)

    def _put(self, console: BoxCalls, settings: Settings) -> Settings:
        enrolled = None
        if self._source and self._wants_enrolment:
            name = settings.shop.name
            if not name:
                raise UserError("provision-shop-unnamed")
            enrolled = writing.enrol(self._found, self._source, name)
            settings = writing.with_receiver(settings, enrolled)
            self._screen.fingerprints(self._found.box, enrolled.fingerprint)
        self._touched = True
        self._screen.heading("provision-screen-writing")
        writing.write(console, settings, enrolled)
        self._screen.good("provision-written")
        return settings


# ---- what comes from the command line ----


def _source(invite: str | None, town: Path | None, receiver: str | None) -> _Source | None:
    """How to enrol: with an invite, or in a town's folder on this computer."""
    if invite and town:
        raise UserError("provision-invite-or-town")
    if receiver and not town:
        raise UserError("provision-receiver-needs-town")
    if invite:
        return Invite.parse(invite).redeem
    if town is None:
        return None
    # The receiver's whole service: a second of imports that an invite does without.
    from alertbox.receiver.accounts import Accounts

    place = Town.open(town)
    accounts = Accounts.open(place)
    where = _receiver(place.names[0], receiver)

    def enrol(public: str, name: str) -> Enrolled:
        document = accounts.enrolment(bytes.fromhex(public), name)
        return Enrolled(document, where.model_dump(), document["user"])

    return enrol


def _invite(text: str) -> Invite | None:
    return Invite.parse(text) if text else None


def _receiver(name: str, text: str | None) -> ReceiverAddress:
    host, _, port = (text or name).partition(":")
    if port and not (port.isdecimal() and 1 <= int(port) <= 65535):
        raise UserError("bad-port", port=port)
    return ReceiverAddress(host=host, port=int(port or 8883), server_name=name)


def _ask_key(dry_run: bool) -> shopfile.Ask | None:
    """Ask for a network's key, where there is somebody to ask; a dry run does without."""
    if dry_run:
        return lambda ssid: None
    if not sys.stdin.isatty():
        return None
    return lambda ssid: str(click.prompt(say("provision-ask-wifi-key", ssid=ssid), hide_input=True, default=""))


def _passphrase() -> str:
    return str(click.prompt(say("provision-passphrase"), hide_input=True, default="", show_default=False))


def _export(screen: Screen, found: FoundBox, path: Path) -> None:
    """For its owner's eyes: it has the contacts' numbers in it. An existing file is not overwritten."""
    content = shopfile.dump(found.settings, found.box).encode()
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(content)
    except FileExistsError as error:
        raise UserError("provision-export-exists", path=path) from error
    except OSError as error:
        raise UserError("cannot-write", path=path, detail=error.strerror) from error
    screen.good("provision-exported", path=path)
