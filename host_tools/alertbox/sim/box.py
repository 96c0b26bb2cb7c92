"""The virtual box: the firmware on MicroPython's unix port, on a virtual ESP32.

The same main.py as on the chip. This side is the world: it presses, cuts Wi-Fi,
mains and power, watches lights and siren, and reads the serial console.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from alertbox.errors import UserError
from alertbox.sim import flash
from alertbox.sim.air import Air
from alertbox.sim.console import Console, LogLine, parse
from alertbox.sim.dns import DnsServer

ROOT = Path(__file__).resolve().parents[3]
_EPOCH_2000 = 946684800
_RESTARTS = {"reset": 2, "watchdog": 3, "soft reset": 5}  # how it died: machine.reset_cause() next
_POWER_ON = 1


class VirtualBox:
    """A box in a process of its own.

    clock: "real", or "stepped": time moves only by `advance` (and by what presses take).
    receiver: a ReceiverThread, where it is enrolled at its first start and which it then reaches by Wi-Fi.
    Without one the box is armed but unenrolled.
    folder: where its flash lives; a temporary one by default. rtc: what its clock says whenever power comes, Unix
    seconds; the chip's says 2000. on_console: gets each line of its console.
    """

    def __init__(
        self,
        receiver: Any = None,
        *,
        folder: Path | None = None,
        clock: str = "real",
        name: str = "Boulangerie Martin",
        board: str = "esp32_wrover",
        heapsize: str = "512K",
        siren: bool = False,
        mains: bool = True,
        rtc: int = _EPOCH_2000,
        on_console: Callable[[str], object] | None = None,
    ) -> None:
        if clock not in ("real", "stepped"):
            raise ValueError(f'clock is "real" or "stepped", not {clock!r}')
        self.clock = clock
        self.name = name
        self.public_key: bytes | None = None
        self.files: dict[str, bytes] = {}  # what enrolment put on it
        self.log: list[LogLine] = []
        self.console_lines: list[str] = []
        self._on_console = on_console
        self._rtc = rtc
        self._receiver = receiver
        self._siren = siren
        self._heapsize = heapsize
        self._board = board
        self._inputs = {"button": False, "mains": mains}
        self._temporary = tempfile.mkdtemp(prefix="alertbox-") if folder is None else None
        self.folder = Path(folder or self._temporary or "")
        self._flash = self.folder / "flash.bin"
        self._changed = threading.Condition()
        self._answers: dict[int, dict[str, Any]] = {}
        self._edges_done: set[int] = set()
        self._advanced = False
        self._pins: dict[int, int] = {}
        self._outputs: dict[str, list[int]] = {}
        self._wifi = True
        self._internet = True
        self._reset_cause = _POWER_ON
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None
        self._died: str | None = None
        self._next_id = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._air = Air()
        self.dns = DnsServer()  # the network's
        self._console = Console(self._line)
        self.serial = self._console.path

    # ---- life ----

    def __enter__(self) -> "VirtualBox":
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self._flash.exists():
            flash.make_blank(self._flash)
            self.power_on()
            if self._receiver is not None:
                self._enrol()
        else:
            self.power_on()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.power_cut()
        self._air.close()
        self.dns.close()
        self._console.close()
        self._listener.close()
        if self._temporary:
            shutil.rmtree(self._temporary, ignore_errors=True)

    def power_on(self, timeout: float = 20) -> LogLine:
        """Switch on and wait until the box is armed; returns that log line."""
        if self._process is not None:
            raise RuntimeError("the box is on already")
        if self._receiver is not None:
            self._air.upstream = ("127.0.0.1", self._receiver.port)
        mark = len(self.log)
        self._start()
        return self.wait_log("app", "armed", since=mark, timeout=timeout)

    def power_cut(self) -> None:
        """Take the power away at this moment."""
        if self._process is not None:
            self._process.kill()
        self.wait_off()

    def power_cut_at_flash_operation(self, operations: int, seed: int = 1) -> None:
        """Take the power away in the middle of the n-th flash program or erase from now."""
        self._command("cut", operations=operations, seed=seed)

    def wait_off(self, timeout: float = 20) -> str | None:
        """Wait until the power is off; returns how it came about."""
        self._wait(lambda: self._process is None, timeout, "the box to go off")
        return self._died

    @property
    def is_on(self) -> bool:
        return self._process is not None

    @property
    def wifi_up(self) -> bool:
        return self._wifi

    @property
    def mains_on(self) -> bool:
        return self._inputs["mains"]

    def _start(self) -> None:
        self._died = None
        settings = {
            "root": str(ROOT),
            "board": self._board,
            "flash": str(self._flash),
            "control": self._listener.getsockname()[1],
            "air": self._air.port,
            "dns": self.dns.port,
            "clock": self.clock,
            "rtc": self._rtc - _EPOCH_2000,
            "mac": "240ac4000001",
            "wifi": self._wifi,
            "inputs": self._inputs,
            "reset_cause": self._reset_cause,
        }
        settings_file = self.folder / "settings.json"
        settings_file.write_text(json.dumps(settings))
        command = [micropython(), "-X", f"heapsize={self._heapsize}", str(ROOT / "boards/unix/launch.py")]
        environment = dict(os.environ, MICROPYPATH=".frozen", TZ="UTC")
        end = self._console.box_end
        self._process = subprocess.Popen(
            [*command, str(settings_file)], stdin=end, stdout=end, stderr=end, env=environment
        )
        threading.Thread(target=self._attend, args=(self._process,), daemon=True, name="box").start()

    def _attend(self, process: subprocess.Popen[bytes]) -> None:
        """Follow one life of the box: its control channel, then its end."""
        self._listener.settimeout(20)
        try:
            channel, _ = self._listener.accept()
        except OSError:
            process.kill()
        else:
            channel.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._channel = channel
            with channel, channel.makefile("rb") as lines:
                try:
                    for line in lines:
                        self._event(json.loads(line))
                except OSError:
                    pass  # killed: the end follows
        process.wait()
        with self._changed:
            self._channel = None
            self._air.drop()
            self._pins.clear()
            cause = self._died
            if cause in _RESTARTS:
                self._reset_cause = _RESTARTS[cause]
                self._start()
            else:
                self._reset_cause = _POWER_ON
                self._process = None
            self._changed.notify_all()

    def _enrol(self) -> None:
        self.wait_log("app", "identity")
        if self.public_key is None:
            raise RuntimeError("the box told no public key")
        host = self._receiver.town.names[0]  # a name, so that the box has to ask its DNS server
        wifi = ("shop", "secret")
        self.files = self._receiver.enrol(self.public_key, self.name, host=host, wifi=wifi, siren=self._siren)
        self.power_cut()
        flash.put_files(self._flash, ROOT / "boards" / self._board / "partitions.csv", self.files)
        self.power_on()

    # ---- the world ----

    def press(self, name: str = "button", ms: int = 120) -> float:
        """Press and release an input; returns time.monotonic() of the press (real clock)."""
        return self.edges(name, [(0, 1), (ms * 1000, 0)])

    def edges(self, name: str, edges: Sequence[tuple[int, int]]) -> float:
        """Apply raw edges (microseconds from now, 1 = pressed) and wait until they are over."""
        process = self._process
        answer = self._command("edges", input=name, edges=[list(edge) for edge in edges])
        last_ms = edges[-1][0] // 1000 + 1
        if self.clock == "stepped":
            self.advance(last_ms)
        number = answer["id"]
        over = lambda: number in self._edges_done or self._process is not process  # noqa: E731
        self._wait(over, last_ms / 1000 + 20, "the edges to be over")
        if number not in self._edges_done:
            raise RuntimeError(f"the box went off ({self._died}) in the middle:\n{self._tail()}")
        self._inputs[name] = bool(edges[-1][1])
        return float(answer["us"] / 1e6)

    def edges_during_stall(self, name: str, edges: Sequence[tuple[int, int]], stall_ms: int) -> None:
        """Block the interpreter while the edges happen: interrupts come late, and no more than eight."""
        self.begin_edges(name, edges)
        self.stall(stall_ms)

    def begin_edges(self, name: str, edges: Sequence[tuple[int, int]]) -> None:
        """Let raw edges happen as time passes, without waiting for them."""
        self._command("edges", input=name, edges=[list(edge) for edge in edges])

    def mains(self, on: bool) -> None:
        self.edges("mains", [(0, 1 if on else 0)])

    def wifi(self, up: bool) -> None:
        """Switch the access point; a loss is silence, nothing is closed."""
        self._wifi = up
        self._reach()
        if self._process is not None:
            self._command("wifi", up=up)

    def internet(self, up: bool) -> None:
        """Wi-Fi stays joined, and nothing beyond the access point answers, DNS included."""
        self._internet = up
        self._reach()

    def _reach(self) -> None:
        up = self._wifi and self._internet
        self._air.set(up)
        self.dns.set(up)

    def upstream(self, host: str, port: int) -> None:
        """Lead the box's connections to another server, until the next start; those that stand break."""
        self._air.upstream = (host, port)
        self._air.drop()

    def stall(self, ms: int) -> None:
        """Block the interpreter as C code does."""
        self._command("stall", ms=ms, timeout=ms / 1000 + 20)

    def fail(self, part: str, how: str = "raise") -> None:
        """Let a part of the chip fail from now until it restarts: pin, output, wlan, flash, socket.

        how: "error" (OSError, which drivers expect), "raise" what no driver expects, or "hang" for ever; "" mends it.
        """
        self._command("fail", part=part, how=how)

    def set_clock(self, unix_seconds: int) -> None:
        """Make the chip's RTC jump."""
        self._command("clock", seconds=unix_seconds - _EPOCH_2000)

    def advance(self, ms: int) -> None:
        """Let virtual time pass (stepped clock); returns when the box has lived through it."""
        if self.clock != "stepped":
            raise RuntimeError("only a stepped clock can be advanced")
        self._advanced = False
        process = self._process
        self._command("advance", ms=ms)
        # A box that restarts meanwhile begins a new time.
        self._wait(lambda: self._advanced or self._process is not process, 60 + ms / 1000, "virtual time to pass")

    def light(self) -> bool:
        return self._output("light")

    def siren(self) -> bool:
        return self._output("siren")

    def wear(self, partition: str) -> dict[str, Any]:
        """Of each flash block of a partition since this start: `programs`, `erases`; and `refused_sets` of all."""
        return self._command("wear", partition=partition)

    def _output(self, name: str) -> bool:
        if name not in self._outputs:
            return False
        number, active = self._outputs[name]
        return self._pins.get(number, 1 - active) == active

    # ---- waiting ----

    def wait_log(self, module: str, text: str, *, since: int = 0, timeout: float = 20) -> LogLine:
        """The first line of `module` from index `since` of `log` whose text starts with `text`."""
        found: list[LogLine] = []

        def look() -> bool:
            found.extend(line for line in self.log[since:] if line.module == module and line.text.startswith(text))
            return bool(found) or self._process is None

        self._wait(look, timeout, f"log line {module} {text}")
        if not found:
            raise RuntimeError(f"the box went off ({self._died}) before {module} {text}:\n{self._tail()}")
        return found[0]

    def wait_for(self, condition: Callable[[], bool], timeout: float = 20, what: str = "a condition") -> None:
        """Wait for a condition on this box's state; it is looked at after each event and line."""
        self._wait(condition, timeout, what)

    def _wait(self, condition: Callable[[], bool], timeout: float, what: str) -> None:
        with self._changed:
            if not self._changed.wait_for(condition, timeout):
                raise TimeoutError(f"waited {timeout:g} s for {what}; the box's last lines:\n{self._tail()}")

    def _tail(self) -> str:
        return "\n".join(self.console_lines[-15:])

    # ---- the channel ----

    def _command(self, name: str, timeout: float = 20, **arguments: Any) -> dict[str, Any]:
        if self._process is None:
            raise RuntimeError("the box is off")
        self._wait(lambda: self._channel is not None, timeout, "the box's control channel")
        with self._changed:
            self._next_id += 1
            number = self._next_id
        assert self._channel is not None
        self._channel.sendall((json.dumps({"id": number, "do": name, **arguments}) + "\n").encode())
        self._wait(lambda: number in self._answers or self._channel is None, timeout, f"the answer to {name}")
        if number not in self._answers:
            raise RuntimeError(f"the box went off ({self._died}) during {name}")
        answer = self._answers.pop(number)
        if "error" in answer:
            raise RuntimeError(f"{name}: {answer['error']}")
        return answer

    def _event(self, message: dict[str, Any]) -> None:
        with self._changed:
            event = message.get("event")
            if event is None:
                self._answers[message["id"]] = message
            elif event == "edges":
                self._edges_done.add(message["of"])
            elif event == "pin":
                self._pins[message["pin"]] = message["level"]
            elif event == "on":
                self._outputs = message["outputs"]
            elif event == "died":
                self._died = message["cause"]
            self._changed.notify_all()

    def _line(self, text: str, at: float) -> None:
        if text == "\x00advanced":
            with self._changed:
                self._advanced = True
                self._changed.notify_all()
            return
        if self._on_console is not None:
            self._on_console(text)
        with self._changed:
            self.console_lines.append(text)
            line = parse(text, at)
            if line is not None:
                self.log.append(line)
                if "public" in line.fields:
                    self.public_key = bytes.fromhex(line.fields["public"])
            self._changed.notify_all()


def micropython() -> str:
    """The unix port: $MICROPYTHON, or the one installed beside this Python."""
    path = os.environ.get("MICROPYTHON") or str(Path(sys.executable).parent / "micropython")
    if not Path(path).exists():
        raise UserError("no-micropython", path=path)
    return path
