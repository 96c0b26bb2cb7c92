"""The run on the box: look, write, restart, read back. It asks nobody and prints nothing.

Whatever breaks off leaves the box with its old settings or with the new ones, whole: the box itself writes a second
slot and switches. So a run that failed is simply run again.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from alertbox.box.session import BoxRefused, Unlocks
from alertbox.contract.formats import box_id
from alertbox.contract.settings import Change, ReceiverAddress, Settings, SettingsRefused, default, diff, masked
from alertbox.errors import UserError
from alertbox.town.invites import Enrolled

TEST_SECONDS = 60
_POLL_S = 0.5


class BoxCalls(Protocol):
    """What is used of alertbox.box.session.BoxConsole."""

    identity: dict[str, Any]

    def call(self, method: str, /, *params: object) -> Any: ...
    def put(self, name: str, data: bytes, progress: Callable[[int, int], object] | None = None) -> None: ...
    def commit(self, name: str, data: bytes) -> Any: ...
    def read(self, name: str) -> bytes: ...
    def unlock(self, technician: Unlocks) -> dict[str, Any]: ...
    def wait_restart(self) -> None: ...


@dataclass(frozen=True)
class FoundBox:
    """A box as it was found. `settings`: its secrets are null."""

    box: str
    public: str
    version: str
    board: str
    enrolled: bool
    locked: bool
    settings: Settings


def meet(console: BoxCalls, technician: Unlocks | None) -> FoundBox:
    """Who the box is and what it holds; unlocks it if it must be."""
    identity = console.identity
    if box_id(bytes.fromhex(identity["public"])).hex() != identity["box"]:
        raise UserError("provision-odd-identity")
    status = console.call("status")
    unlock(console, status, technician)
    return FoundBox(
        identity["box"],
        identity["public"],
        str(identity["version"]),
        str(identity["board"]),
        bool(status["enrolled"]),
        bool(status["locked"]),
        read(console),
    )


def nobody() -> FoundBox:
    """In place of a box where there is none: a blank one."""
    return FoundBox("", "", "", "", False, False, default())


def unlock(console: BoxCalls, status: dict[str, Any], technician: Unlocks | None) -> None:
    if status["locked"] and not status["unlocked"]:
        if technician is None:
            raise UserError("provision-locked")
        console.unlock(technician)


def read(console: BoxCalls) -> Settings:
    """The settings that the box acts on, secrets null."""
    try:
        return Settings.read(json.loads(console.read("settings")), export=True)
    except (SettingsRefused, ValueError) as error:
        raise UserError("provision-box-settings", detail=error) from error


def enrol(found: FoundBox, source: Callable[[str, str], Enrolled], name: str) -> Enrolled:
    """Have the receiver take the box; UserError if it took another one. source: given the public key and a name."""
    enrolled = source(found.public, name)
    if enrolled.fingerprint != found.box:
        raise UserError("provision-fingerprints-differ", box=found.box, receiver=enrolled.fingerprint)
    return enrolled


def keep_known_secrets(console: BoxCalls, held: Settings, settings: Settings) -> Settings:
    """`settings` with null for each given secret that the box has already, so that it counts as no change.

    A box tells no secret, but it compares: all is put to it, and nothing committed. Whom it refuses learns nothing.
    """
    given = [change.path for change in diff(held, settings) if change.secret and change.old is None]
    if not given:
        return settings
    try:
        console.put("settings", _encoded(settings.document()))
        answer = console.call("diff")
    except BoxRefused:
        return settings
    document = settings.model_dump(by_alias=True)
    for *place, name in given:
        # Lists are compared by place there: only in an item that is otherwise the same is it the same secret.
        item = ".".join(map(str, place))
        if not answer["more"] and not any(f"{path}.".startswith(f"{item}.") for path in answer["changes"]):
            row: Any = document
            for step in place:
                row = row[step]
            row[name] = None
    return Settings.read(document, export=True)


def with_receiver(settings: Settings, enrolled: Enrolled) -> Settings:
    return settings.changed("receiver", ReceiverAddress(**enrolled.receiver))


def write(
    console: BoxCalls,
    settings: Settings,
    enrolled: Enrolled | None,
    progress: Callable[[int, int], object] | None = None,
) -> None:
    """Settings first: without them the enrolment's receiver could not be reached."""
    documents = {"settings": settings.document()}
    if enrolled is not None:
        documents["enrolment"] = enrolled.enrolment
    for name, document in documents.items():
        data = _encoded(document)
        console.put(name, data, progress)
        console.commit(name, data)


def _encoded(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def restart(console: BoxCalls, technician: Unlocks | None) -> dict[str, Any]:
    """Restart, wait until the box answers, open it again if it is locked. Gives its status."""
    console.call("restart")
    console.wait_restart()
    status: dict[str, Any] = console.call("status")
    unlock(console, status, technician)
    return status


def differences(written: Settings, console: BoxCalls) -> list[Change]:
    """What the box holds and was not written. Secrets are not read out: the box compared their checksum at commit."""
    return diff(masked(written), masked(read(console)))


def try_alert(
    console: BoxCalls,
    seconds: float = TEST_SECONDS,
    clock: Callable[[], float] = time.monotonic,
    wait: Callable[[float], None] = time.sleep,
) -> None:
    """A test alert all the way: returns when the receiver has acknowledged it, else UserError."""
    sequence = console.call("test")["sequence"]
    end = clock() + seconds
    while console.call("delivery", sequence)["state"] not in ("received", "in-charge"):
        if clock() >= end:
            raise UserError("provision-test-lost", seconds=f"{seconds:g}")
        wait(_POLL_S)
