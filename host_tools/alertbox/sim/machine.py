"""A virtual ESP32 as a machine: power, a process that is its chip, its serial console, a channel to the world."""

import shutil
import subprocess
import tempfile
import termios
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from alertbox.sim import flash
from alertbox.sim.channel import Channel
from alertbox.sim.console import Console, LogLine, parse
from alertbox.sim.process import RESTARTS, ROOT, SOFT_RESET, Start, after, start

EPOCH_2000 = 946684800
ARMED = ("app", "armed")
SAFE = ("safe", "armed")  # in safe mode: after starts that failed
_POWER_ON = 1


class Machine:
    """What VirtualBox stands on; it says what is around with `_world` and hears what happens with `_happened`."""

    def __init__(
        self,
        *,
        folder: Path | None,
        clock: str,
        board: str,
        heapsize: str,
        rtc: int,
        on_console: Callable[[str], object] | None,
    ) -> None:
        if clock not in ("real", "stepped"):
            raise ValueError(f'clock is "real" or "stepped", not {clock!r}')
        self.clock = clock
        self.public_key: bytes | None = None
        self.log: list[LogLine] = []
        self.console_lines: list[str] = []
        self.at_prompt = False  # of MicroPython: main.py was interrupted, ended, or not started
        self._on_console = on_console
        self._rtc = rtc
        self._heapsize = heapsize
        self._board = board
        self._temporary = tempfile.mkdtemp(prefix="alertbox-") if folder is None else None
        self.folder = Path(folder or self._temporary or "")
        self._flash = self.folder / "flash.bin"
        self._changed = threading.Condition()
        self._marks: set[str] = set()  # words of the virtual board that came between the lines of its console
        self._reset_cause = _POWER_ON
        self._power = threading.RLock()  # held while it is decided whether a process shall run
        self._powered = False
        self._process: subprocess.Popen[bytes] | None = None
        self._died: str | None = None
        self._watched = False  # a watchdog has been started
        self._carry: dict[str, Any] | None = None  # what outlasts a deep sleep: for the next process alone
        self._life = 0  # counts the starts, but for those that end a deep sleep: its time goes on
        self._channel = Channel(self._changed, self._event)
        self._console = Console(self._line, self._mark)

    def _world(self) -> dict[str, Any]:
        """What is around the chip when it starts."""
        raise NotImplementedError

    def _happened(self, event: dict[str, Any]) -> None:
        """An event from the virtual board."""
        raise NotImplementedError

    def _went_off(self) -> None:
        """The chip stands still, be it for a restart."""
        raise NotImplementedError

    @property
    def partitions(self) -> Path:
        """The partition table of its board."""
        return ROOT / "boards" / self._board / "partitions.csv"

    # ---- life ----

    def _open(self) -> bool:
        """Make its flash if it has none; True if it had none."""
        self.folder.mkdir(parents=True, exist_ok=True)
        blank = not self._flash.exists()
        if blank:
            flash.make_blank(self._flash)
        return blank

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.power_cut()
        self._console.close()
        self._channel.close()
        if self._temporary:
            shutil.rmtree(self._temporary, ignore_errors=True)

    def power_on(self, timeout: float = 20, until: tuple[str, str] = ARMED) -> LogLine:
        """Switch on and wait for the log line (module, beginning) that says it is armed; returns it."""
        if self._process is not None:
            raise RuntimeError("the box is on already")
        mark = len(self.log)
        with self._power:
            self._powered = True
            self._start(Start.MAIN)
        return self.wait_log(*until, since=mark, timeout=timeout)

    def power_cut(self) -> None:
        """Take the power away at this moment."""
        with self._power:
            self._powered = False
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

    def bite(self) -> None:
        """Do what the chip's watchdog does to C code that never returns, which the virtual one cannot see."""
        self._wait(lambda: self._watched, 20, "the watchdog to be started")
        with self._power:
            self._died, self._watched = "watchdog", False
            if self._process is not None:
                self._process.kill()

    @property
    def is_on(self) -> bool:
        return self._process is not None

    @property
    def asleep(self) -> bool:
        """Deeply: nothing of the firmware runs. Not for the moments in which it wakes, looks and goes on sleeping."""
        return self.is_on and "asleep" in self._marks

    def _start(self, how: Start) -> None:
        self._died, self._watched = None, False
        self._marks.discard("asleep")
        carry, self._carry = self._carry, None
        if carry is None:
            self._life += 1
        self.at_prompt = False
        settings = {
            "root": str(ROOT),
            "board": self._board,
            "flash": str(self._flash),
            "control": self._channel.port,
            "clock": self.clock,
            "rtc": self._rtc - EPOCH_2000,
            "mac": "240ac4000001",
            "reset_cause": self._reset_cause,
            "interrupt_index": termios.VINTR,
            "start": how,
            "carry": carry,
        }
        self._console.begin(keep=how is Start.PROMPT)
        settings_file = self.folder / "settings.json"
        process = start(settings | self._world(), settings_file, self._heapsize, self._console.box_end)
        self._console.attend(process)
        self._process = process
        threading.Thread(target=self._attend, args=(process,), daemon=True, name="box").start()

    def _attend(self, process: subprocess.Popen[bytes]) -> None:
        """Follow one life of the box: its control channel, then its end, then what the chip would do next."""
        self._channel.follow(process)
        status = process.wait()
        next_start = after(status, self._console.end())
        with self._power:
            self._went_off()
            if self._died in RESTARTS:
                self._reset_cause, next_start = RESTARTS[self._died], Start.MAIN
            elif self._died is None and next_start is not None:
                self._reset_cause = SOFT_RESET
                if status == 0:
                    self._console.say(b"MPY: soft reboot\r\n")
            else:
                self._reset_cause, next_start = _POWER_ON, None
            if next_start is not None and self._powered:
                self._start(next_start)
            else:
                self._process = self._carry = None
        with self._changed:
            self._changed.notify_all()

    # ---- its serial line ----

    @property
    def serial(self) -> str:
        """The path of its USB serial, a pty; "" while the cable is out."""
        return self._console.path

    @property
    def serial_dropped(self) -> int:
        """Bytes that came while its receive buffer was full."""
        return self._console.uart.dropped

    def unplug(self) -> None:
        """Pull the USB cable (not its power): the pty ends for whoever holds it."""
        self._console.unplug()

    def plug(self) -> None:
        """Put the USB cable in again: a new pty, with a new path in `serial`."""
        self._console.plug()

    # ---- waiting ----

    def wait_log(self, module: str, text: str, *, since: int = 0, timeout: float = 20) -> LogLine:
        """The first line of `module` from index `since` of `log` whose text starts with `text`."""
        found: list[LogLine] = []
        was_at_prompt = self.at_prompt

        def look() -> bool:
            found.extend(line for line in self.log[since:] if line.module == module and line.text.startswith(text))
            return bool(found) or self._process is None or (self.at_prompt and not was_at_prompt)

        self._wait(look, timeout, f"log line {module} {text}")
        if not found:
            raise RuntimeError(f"{self._stopped()} before {module} {text}:\n{self._tail()}")
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

    def _stopped(self) -> str:
        return "the box came to its prompt" if self._process else f"the box went off ({self._died})"

    # ---- what comes from the box ----

    def _command(self, name: str, timeout: float = 20, **arguments: Any) -> dict[str, Any]:
        if self._process is None:
            raise RuntimeError("the box is off")
        self._wait(lambda: self._channel.open, timeout, "the box's control channel")
        number = self._channel.send(name, arguments)
        answers = self._channel.answers
        self._wait(lambda: self._channel.settled(number), timeout, f"the answer to {name}")
        if number not in answers:
            raise RuntimeError(f"the box went off ({self._died}) during {name}")
        answer = answers.pop(number)
        if "error" in answer:
            raise RuntimeError(f"{name}: {answer['error']}")
        return answer

    def _event(self, message: dict[str, Any]) -> None:
        if message["event"] == "died":
            self._died = message["cause"]
            self._carry = message["carry"]
        elif message["event"] == "watchdog":
            self._watched = True
        else:
            self._happened(message)

    def _mark(self, name: str) -> None:
        with self._changed:
            self._marks.add(name)
            self.at_prompt = self.at_prompt or name == "prompt"
            self._changed.notify_all()

    def _line(self, text: str, at: float) -> None:
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
