"""A box behind no port, for the tests of `alertbox provision`; and the command line in front of it.

It keeps documents as a box does (null keeps a secret, an export shows none) and trusts what it is given: the box's own
checks are tested where they are. Run as a program it is `alertbox` with this box at every port, and prints as its last
line what the box was asked to do.
"""

import contextlib
import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

from alertbox.errors import UserError

_SECRETS = {"wifi": ("ssid", ("key",)), "bips": ("mac", ("key",)), "lte": (None, ("password", "pin"))}
# A P-256 point, for a name that is always the same.
PUBLIC = (
    "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
)
BOX = hashlib.sha256(bytes.fromhex(PUBLIC)).hexdigest()[:16]
NETWORKS = [["Livebox-4F2A", -52, False], ["Bbox-Voisin", -71, False], ["Mairie-Public", -83, True]]


class ProvisionBox:
    """`settings` is what it holds, secrets and all; `done` the methods that change something, in order."""

    def __init__(self, settings: dict[str, Any] | None = None, *, enrolled: bool = False, locked: bool = False) -> None:
        self.identity = {"box": BOX, "public": PUBLIC, "version": "0.1.0", "board": "esp32_s3"}
        self.settings = settings or {"version": 2}
        self.enrolment: dict[str, Any] | None = {"version": 2} if enrolled else None
        self.locked = locked
        self.unlocked: str | None = None
        self.done: list[str] = []
        self.forgets: str | None = None  # a part of the settings that it loses at a restart
        self.delivery = ["waiting", "received"]
        self.wifi_keys = {"Livebox-4F2A": "motdepasse"}
        self._put: dict[str, bytes] = {}

    def __enter__(self) -> "ProvisionBox":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def call(self, method: str, /, *params: Any) -> Any:
        answer: dict[str, Callable[..., Any]] = {
            "status": self._status,
            "wifi_scan": lambda: {"networks": NETWORKS},
            "wifi_test": self._wifi_test,
            "restart": self._restart,
            "test": lambda: {"sequence": 7},
            "delivery": lambda _: {"state": self.delivery.pop(0) if len(self.delivery) > 1 else self.delivery[0]},
            "lock": lambda: {},
            "diff": self._diff,
        }
        if method in ("restart", "test", "lock"):
            self.done.append(method)
        return answer[method](*params)

    def put(self, name: str, data: bytes, progress: object = None) -> None:
        self._put[name] = data

    def _diff(self) -> dict[str, Any]:
        new, old = (dict(_flat(document, "")) for document in (json.loads(self._put["settings"]), self.settings))
        changes = [path for path in new | old if new.get(path) != old.get(path) and new.get(path, "") is not None]
        return {"changes": changes, "more": False}

    def commit(self, name: str, data: bytes) -> Any:
        assert self._put.pop(name) == data
        self.done.append(f"commit {name}")
        document = json.loads(data)
        if name == "settings":
            self.settings = self._with_kept_secrets(document)
        else:
            self.enrolment = document
        return {"changes": 1}

    def read(self, name: str) -> bytes:
        assert name == "settings"
        assert not self.locked or self.unlocked
        document = json.loads(json.dumps(self.settings))
        for _, _, row, secrets in self._secret_rows(document):
            row.update({secret: None for secret in secrets if secret in row})
        return json.dumps(document).encode()

    def unlock(self, technician: Any) -> dict[str, Any]:
        self.unlocked = str(technician)
        return {"name": self.unlocked, "expires": 0}

    def wait_restart(self) -> None:
        self.unlocked = None

    def _status(self) -> dict[str, Any]:
        return {"enrolled": self.enrolment is not None, "locked": self.locked, "unlocked": self.unlocked}

    def _restart(self) -> dict[str, Any]:
        if self.forgets:
            self.settings.pop(self.forgets)
        return {}

    def _wifi_test(self, ssid: str, key: str) -> dict[str, Any]:
        if self.wifi_keys.get(ssid) != key:
            raise UserError("console-refused", message=f"{ssid} refuses the key")
        return {"address": "192.168.1.37"}

    def _with_kept_secrets(self, document: dict[str, Any]) -> dict[str, Any]:
        held = {(part, name): row for part, name, row, _ in self._secret_rows(self.settings)}
        for part, name, row, secrets in self._secret_rows(document):
            for secret in secrets:
                if secret in row and row[secret] is None:
                    # A box refuses a null for which it has nothing; the modem's are "" unless told.
                    row[secret] = (
                        held[part, name][secret] if part != "lte" else held.get((part, name), {}).get(secret, "")
                    )
        return document

    @staticmethod
    def _secret_rows(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any], tuple[str, ...]]]:
        found = []
        for part, (name, secrets) in _SECRETS.items():
            rows = document.get(part, [])
            for row in rows if isinstance(rows, list) else [rows]:
                found.append((part, row[name] if name else "", row, secrets))
        return found


def _flat(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """(path, value) of each field."""
    if isinstance(value, dict | list):
        for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _flat(inner, f"{path}.{name}".lstrip("."))
    else:
        yield path, value


def main(arguments: list[str], box: ProvisionBox) -> None:
    """The command line with `box` at every port, an invite that always works, and no waiting."""
    from alertbox import cli
    from alertbox.commands import provision
    from alertbox.town.invites import Enrolled, Invite

    def redeem(invite: Invite, public: str, name: str | None = None) -> Enrolled:
        receiver = {"host": "alertes.lure.example", "port": 8883, "server_name": "alertes.lure.example"}
        return Enrolled({"version": 2, "user": BOX}, receiver, BOX)

    provision.open_box = lambda path: box  # type: ignore[assignment, return-value]
    provision.find_box = lambda: "/dev/ttyUSB0"  # type: ignore[attr-defined]
    Invite.redeem = redeem  # type: ignore[method-assign, assignment]
    cli.COMMANDS.setdefault("provision", "")
    sys.argv[1:] = arguments
    cli.main()


if __name__ == "__main__":
    at_every_port = ProvisionBox()
    with contextlib.ExitStack() as last:
        last.callback(lambda: print("done:", at_every_port.done))
        main(sys.argv[1:], at_every_port)
