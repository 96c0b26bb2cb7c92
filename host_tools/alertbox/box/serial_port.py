"""Serial ports: which there are, named for people, and how one is opened without resetting the box.

An ESP32 board resets itself while RTS is asserted and DTR is not (esptool flashes it that way). So both lines must
be alike at every moment. The operating system asserts both at once when it opens a port and drops both at once when
it closes it; on POSIX we therefore leave them alone. Lowering them first, as is often advised, makes two USB
messages of it, with a reset in between. Both asserted is idle for a bridge's transistors, and an ESP32-S3's own USB
says nothing to a host that does not assert DTR.
"""

import errno
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import serial
from serial.tools import list_ports

from alertbox.errors import UserError

try:
    from termios import error as TerminalError  # no OSError, and pyserial lets it out
except ImportError:  # Windows
    TerminalError = OSError  # type: ignore[misc, assignment]

BAUD = 115200
_POLL_S = 0.05  # of a read that finds nothing; deadlines are kept to this
_WRITE_S = 2  # a line of 200 bytes takes 17 ms

_ESPRESSIF = 0x303A
# The USB vendor's, then the vendor's product's.
_CHIPS: dict[tuple[int, int | None], str] = {
    (0x10C4, None): "CP210x",
    (0x0403, None): "FTDI",
    (0x1A86, 0x7522): "CH340",
    (0x1A86, 0x7523): "CH340",
    (0x1A86, 0x5523): "CH341",
    (0x1A86, 0x55D3): "CH343",
    (0x1A86, 0x55D4): "CH9102",
    (0x1A86, None): "CH34x",
    (_ESPRESSIF, 0x1001): "ESP32-S3",  # its USB serial/JTAG unit
    (_ESPRESSIF, 0x4001): "ESP32-S3",  # MicroPython's own USB
    (_ESPRESSIF, None): "ESP32",
}
_FAILURES = {
    errno.EACCES: "console-port-rights",
    errno.EPERM: "console-port-rights",
    errno.ENOENT: "console-port-none",
    errno.ENODEV: "console-port-none",
    errno.ENXIO: "console-port-none",
    errno.EIO: "console-port-none",  # unplugged while it was opened
    errno.EBUSY: "console-port-busy",
    errno.EAGAIN: "console-port-busy",  # another program's lock
}
# Windows gives no number, only words.
_FAILURE_WORDS = {"PermissionError": "console-port-busy", "FileNotFoundError": "console-port-none"}


@dataclass(frozen=True)
class Port:
    """A USB serial port. chip: of the bridge, or the ESP32 itself; mac: where the port tells it, 12 hex digits."""

    path: str
    name: str
    chip: str | None = None
    mac: str | None = None


def find_ports() -> list[Port]:
    """The USB serial ports of this computer, by path. A board's own UARTs must be named by hand."""
    found = sorted(info for info in list_ports.comports() if info.vid is not None)
    return [_port(info.device, info.vid, info.pid, info.serial_number, info.product) for info in found]


def _port(path: str, vid: int, pid: int | None, number: str | None, product: str | None) -> Port:
    chip = _CHIPS.get((vid, pid)) or _CHIPS.get((vid, None))
    mac = _mac(number or "") if vid == _ESPRESSIF else None
    what = ", ".join(part for part in (chip or product, mac) if part)
    return Port(path, f"{path} ({what})" if what else path, chip, mac)


def _mac(number: str) -> str | None:
    """Espressif's USB serial number is the chip's MAC, with or without colons."""
    digits = number.replace(":", "").lower()
    return digits if len(digits) == 12 and set(digits) <= set("0123456789abcdef") else None


def open_port(path: str) -> serial.Serial:
    """Open for this program alone, at the box's rate, without resetting the box."""
    port = serial.Serial(baudrate=BAUD, timeout=_POLL_S, write_timeout=_WRITE_S, exclusive=True)
    port.port = path
    try:
        if os.name == "nt":
            # Windows may assert them one after the other. Idle first, then DTR before RTS: no reset in between.
            port.dtr = port.rts = False
            port.open()
            port.dtr = True
            port.rts = True
        else:
            port.open()
    except (OSError, TerminalError) as error:
        raise _explained(path, error) from error
    return port


def close_port(port: serial.Serial) -> None:
    """Close without a reset: Windows drops DTR first, so RTS goes before it."""
    if os.name == "nt":
        try:
            port.rts = False
            port.dtr = False
        except OSError:
            pass  # the cable is gone
    port.close()


def _explained(path: str, error: Exception) -> UserError:
    """One sentence for why a port did not open."""
    number = error.errno if isinstance(error, OSError) else error.args[0]
    words = [key for word, key in _FAILURE_WORDS.items() if word in str(error)]
    key = _FAILURES.get(number or 0) or (words[0] if words else "console-port-odd")
    if key == "console-port-busy":
        program = _holder(path)
        if program:
            return UserError("console-port-busy-by", path=path, program=program)
    return UserError(key, path=path)


def _holder(path: str) -> str | None:
    """`name (process id)` of the program that holds the port's lock; Linux tells, others do not."""
    if sys.platform != "linux":
        return None
    try:
        file = os.stat(path)
        wanted = f"{os.major(file.st_dev):02x}:{os.minor(file.st_dev):02x}:{file.st_ino}"
        for line in Path("/proc/locks").read_text().splitlines():
            # 1: FLOCK  ADVISORY  WRITE 11407 fe:00:2277604 0 EOF
            fields = line.split()
            if fields[1] == "FLOCK" and fields[5] == wanted:
                return f"{Path('/proc', fields[4], 'comm').read_text().strip()} ({fields[4]})"
    except (OSError, IndexError):
        pass  # it has just ended
    return None
