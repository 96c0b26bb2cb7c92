"""Debian's mosquitto with TLS, a password for each box and the settings and access list of the receiver's README.

It runs in a folder on a loopback port of its own, which it keeps over restarts, and
can be ended, killed, frozen and given another certificate. Nothing here polls: its log says how far it is.
"""

import getpass
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent
from types import TracebackType

from alertbox.receiver import Accounts
from alertbox.receiver.store.registry import hash_password
from alertbox.town import Town

_WAIT_S = 20
_SYSTEM_FOLDERS = "/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin"  # where a plain user's PATH does not look

# Where mosquitto is; None if it is not installed.
PROGRAM = shutil.which("mosquitto", path=os.pathsep.join((os.environ.get("PATH", ""), _SYSTEM_FOLDERS)))

_README = Path(__file__).parents[2] / "host_tools" / "alertbox" / "receiver" / "README.md"
# What the README tells people is what is tested: its indented blocks are the settings and the access list.
_SETTINGS, _ACCESS = (
    dedent(block) for block in re.findall(r"(?:^ {4}.*\n|^\n(?= {4}))+", _README.read_text(encoding="utf-8"), re.M)
)


class Mosquitto:
    """The broker of `town`: runs while its `with` block does, presents the town's certificate and lets in its boxes.

    It knows the boxes that are enrolled when it starts, or at `reload`. `port`: a free one by default.
    `settings` replace those of the README; for the other words see mosquitto.conf(5).
    """

    missing = None if PROGRAM else "mosquitto is not installed (apt-get install mosquitto)"

    def __init__(self, town: Town, folder: Path, port: int = 0, settings: Mapping[str, str] | None = None) -> None:
        self.port = port or free_port()
        self.lines: list[str] = []
        self._town = town
        self._folder = folder
        self._password = secrets.token_urlsafe(24)
        self._changed = threading.Condition()
        self._process: subprocess.Popen[str] | None = None
        folder.mkdir()
        self._write("server.key", (town.path / "server.key").read_text())
        self._write("server.pem", (town.path / "server.pem").read_text())
        self._write("acl", _ACCESS)
        self._settings = self._write("mosquitto.conf", self._configuration(settings or {}))

    def __enter__(self) -> "Mosquitto":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self.kill()

    @property
    def url(self) -> str:
        """What `alertbox receiver run --broker` takes."""
        return f"mqtts://receiver:{self._password}@127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self._running().pid

    # ---- its life ----

    def start(self) -> None:
        """Start it on its old port, with what it kept; returns when it listens."""
        assert PROGRAM is not None, "mosquitto is not installed"
        self._write_passwords()
        mark = len(self.lines)
        self._process = subprocess.Popen(
            [PROGRAM, "-c", self._settings],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        threading.Thread(target=self._read_log, args=(self._process,), daemon=True, name="mosquitto").start()
        self.wait_log("running", since=mark)

    def terminate(self) -> None:
        """End it as a service is stopped: it saves the sessions."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a crash does: sessions and messages since its last save are gone."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """It stands still, while its connections stay and the kernel accepts new ones for it."""
        process = self._running()
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED)

    def thaw(self) -> None:
        self._running().send_signal(signal.SIGCONT)

    def _end(self, number: signal.Signals) -> None:
        process = self._running()
        process.send_signal(number)
        process.wait(_WAIT_S)
        self._process = None

    def _running(self) -> subprocess.Popen[str]:
        assert self._process is not None, "mosquitto is not running"
        return self._process

    # ---- what it knows ----

    def reload(self) -> None:
        """Let in the boxes that were enrolled since the start."""
        self._write_passwords()
        mark = len(self.lines)
        self._running().send_signal(signal.SIGHUP)
        self.wait_log("Reloading config", since=mark)

    def present(self, certificate: tuple[bytes, bytes]) -> None:
        """Show this key and certificate (PEM) to whoever connects from now on; those who are connected stay."""
        key, chain = certificate
        self._write("server.key", key.decode())
        self._write("server.pem", chain.decode())
        self.reload()

    def _configuration(self, changed: Mapping[str, str]) -> str:
        lines = (line for line in _SETTINGS.replace("/path/to", str(self._folder)).splitlines() if line[:1] not in "#")
        settings = dict(line.split(maxsplit=1) for line in lines)
        settings["listener"] = f"{self.port} 127.0.0.1"
        settings["persistence_location"] = f"{self._folder}/"
        # Started by root it would become another user, who may not read its folder.
        settings["user"] = getpass.getuser()
        return "".join(f"{word} {value}\n" for word, value in (settings | dict(changed)).items())

    def _write_passwords(self) -> None:
        own = f"receiver:{hash_password(self._password)}\n"
        self._write("passwords", own + Accounts.open(self._town).password_file())

    def _write(self, name: str, text: str) -> Path:
        path = self._folder / name
        path.write_text(text)
        path.chmod(0o600)
        return path

    # ---- its log ----

    def wait_log(self, text: str, count: int = 1, *, since: int = 0) -> None:
        """Until so many lines from index `since` of `lines` hold this text."""

        def logged() -> bool:
            return sum(text in line for line in self.lines[since:]) >= count

        with self._changed:
            if not self._changed.wait_for(logged, _WAIT_S):
                raise TimeoutError(f"not {count} of {text!r} within {_WAIT_S} s:\n" + "".join(self.lines[-15:]))

    def _read_log(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        with process.stderr as lines:
            for line in lines:
                with self._changed:
                    self.lines.append(line)
                    self._changed.notify_all()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
