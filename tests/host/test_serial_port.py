"""Serial ports: named for people, opened for one program, without a reset, and refused in one sentence."""

import errno
import fcntl
import os
import struct
import subprocess
import sys
import termios

import pytest
import serial
from alertbox.box.finding import ask_every_port, find_box
from alertbox.box.serial_port import Port, close_port, find_ports, open_port
from alertbox.errors import UserError
from console_box import ConsoleBox
from mistakes import mistake
from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo

DTR, RTS = termios.TIOCM_DTR, termios.TIOCM_RTS


def usb(path: str, vid: int | None, pid: int | None = None, number: str | None = None, product: str | None = None):
    info = ListPortInfo(path)
    info.vid, info.pid, info.serial_number, info.product = vid, pid, number, product
    return info


@pytest.fixture
def plugged(monkeypatch):
    """What is plugged into this computer, as pyserial lists it."""
    infos: list[ListPortInfo] = []
    monkeypatch.setattr(list_ports, "comports", lambda: infos)
    return infos


@pytest.fixture
def box():
    with ConsoleBox() as box:
        yield box


def refusal(path: str) -> str:
    """The key of the sentence in which opening a port ends, which names the port."""
    error = mistake(open_port, path)
    assert path in str(error)
    return error.key


# ---- which there are ----


def test_ports_are_named_by_their_chips(plugged):
    plugged += [
        usb("/dev/ttyUSB10", 0x1A86, 0x7523, product="USB Serial"),
        usb("/dev/ttyUSB2", 0x10C4, 0xEA60, "0001", "CP2102N USB to UART Bridge Controller"),
        usb("/dev/ttyUSB3", 0x0403, 0x6001),
        usb("/dev/ttyUSB4", 0x1A86, 0x55D4),
        usb("/dev/ttyACM0", 0x303A, 0x1001, "24:0A:C4:00:00:01"),
        usb("/dev/ttyACM1", 0x303A, 0x4001, "240ac4000002"),
        usb("/dev/ttyACM2", 0x2341, 0x0043, product="Arduino Uno"),
        usb("/dev/ttyACM3", 0xFFFF),
        usb("/dev/ttyS0", None),
    ]
    assert find_ports() == [
        Port("/dev/ttyACM0", "/dev/ttyACM0 (ESP32-S3, 240ac4000001)", "ESP32-S3", "240ac4000001"),
        Port("/dev/ttyACM1", "/dev/ttyACM1 (ESP32-S3, 240ac4000002)", "ESP32-S3", "240ac4000002"),
        Port("/dev/ttyACM2", "/dev/ttyACM2 (Arduino Uno)"),
        Port("/dev/ttyACM3", "/dev/ttyACM3"),
        Port("/dev/ttyUSB2", "/dev/ttyUSB2 (CP210x)", "CP210x"),
        Port("/dev/ttyUSB3", "/dev/ttyUSB3 (FTDI)", "FTDI"),
        Port("/dev/ttyUSB4", "/dev/ttyUSB4 (CH9102)", "CH9102"),
        Port("/dev/ttyUSB10", "/dev/ttyUSB10 (CH340)", "CH340"),
    ]


def test_a_serial_number_that_is_no_mac_is_not_shown_as_one(plugged):
    plugged.append(usb("/dev/ttyACM0", 0x303A, 0x4001, "123456"))
    assert find_ports()[0].mac is None


# ---- opening one ----


def test_a_port_is_opened_at_the_box_s_rate(box):
    port = open_port(box.path)
    assert (port.baudrate, port.bytesize, port.parity, port.stopbits) == (115200, 8, "N", 1)
    assert not any((port.rtscts, port.xonxoff, port.dsrdtr))
    close_port(port)


@pytest.mark.skipif(sys.platform != "linux", reason="modem lines as Linux has them")
def test_opening_and_closing_never_leaves_rts_asserted_without_dtr(box, monkeypatch):
    """That is reset on every ESP32 board. A port's lines are both asserted once the system has opened it."""
    lines = DTR | RTS
    seen = []
    real = fcntl.ioctl

    def ioctl(fd, request, argument=0, *more):
        nonlocal lines
        if request not in (termios.TIOCMBIS, termios.TIOCMBIC):
            return real(fd, request, argument, *more)
        bits = struct.unpack("I", argument)[0]
        lines = lines | bits if request == termios.TIOCMBIS else lines & ~bits
        seen.append(lines)
        return 0

    monkeypatch.setattr(fcntl, "ioctl", ioctl)
    close_port(open_port(box.path))
    assert seen
    assert all(bits & RTS == 0 or bits & DTR for bits in seen)


def test_a_port_that_this_program_has_open_is_busy_and_the_program_is_named(box):
    port = open_port(box.path)
    with pytest.raises(UserError) as error:
        open_port(box.path)
    close_port(port)
    assert error.value.key == ("console-port-busy-by" if sys.platform == "linux" else "console-port-busy")
    if sys.platform == "linux":
        assert f"({os.getpid()})" in str(error.value)
    close_port(open_port(box.path))


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_another_program_that_has_the_port_is_named(box):
    holds = f"import fcntl; f = open({box.path!r}, 'rb+', 0); fcntl.flock(f, fcntl.LOCK_EX); print(flush=True); input()"
    program = subprocess.Popen([sys.executable, "-c", holds], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert program.stdout is not None
    program.stdout.readline()
    try:
        with pytest.raises(UserError) as error:
            open_port(box.path)
    finally:
        program.communicate("\n")
    assert f"({program.pid})" in str(error.value)


def test_a_port_that_is_not_there(tmp_path):
    assert refusal(str(tmp_path / "ttyUSB9")) == "console-port-none"


def test_a_port_whose_other_end_has_gone():
    box = ConsoleBox()
    with box:
        pass
    assert refusal(box.path) == "console-port-none"


def test_what_is_no_serial_port(tmp_path):
    (tmp_path / "file").write_text("x")
    assert refusal(str(tmp_path / "file")) == "console-port-odd"
    assert refusal(str(tmp_path)) == "console-port-odd"
    assert refusal("/dev/null") == "console-port-odd"


@pytest.mark.parametrize(
    ("error", "key"),
    [
        (serial.SerialException(errno.EACCES, "could not open port"), "console-port-rights"),
        (serial.SerialException(errno.EBUSY, "could not open port"), "console-port-busy"),
        (serial.SerialException(errno.ENXIO, "could not open port"), "console-port-none"),
        (serial.SerialException("could not open port 'COM3': PermissionError(13, 'Access')"), "console-port-busy"),
        (serial.SerialException("could not open port 'COM9': FileNotFoundError(2, 'The')"), "console-port-none"),
        (termios.error(errno.EIO, "Input/output error"), "console-port-none"),
        (OSError(errno.EIO, "Input/output error"), "console-port-none"),
    ],
    ids=lambda value: value if isinstance(value, str) else str(value)[-30:],
)
def test_why_a_port_does_not_open_is_told_in_a_sentence(monkeypatch, error, key):
    def fail(self: serial.Serial) -> None:
        raise error

    monkeypatch.setattr(serial.Serial, "open", fail)
    assert refusal("COM3") == key


# ---- which has a box ----


def test_the_one_port_with_a_box_is_found_among_others(plugged, box, tmp_path):
    with ConsoleBox() as mute:
        mute.raw = lambda data: b""
        plugged += [usb(mute.path, 0x10C4), usb(str(tmp_path / "gone"), 0x0403), usb(box.path, 0x1A86, 0x7523)]
        assert find_box() == box.path
        assert [str(found.error and found.error.key) for found in ask_every_port()].count("None") == 1


def test_two_boxes_are_listed(plugged, box):
    with ConsoleBox() as other:
        other.identity["box"] = "ff" * 8
        plugged += [usb(box.path, 0x10C4), usb(other.path, 0x303A, 0x1001, "24:0A:C4:00:00:01")]
        with pytest.raises(UserError) as error:
            find_box()
    assert error.value.key == "console-several"
    first, *listing = str(error.value).splitlines()
    assert sorted(listing) == sorted(
        [
            f"  {box.path} (CP210x): box 00112233445566ff, version 0.2.0",
            f"  {other.path} (ESP32-S3, 240ac4000001): box {'ff' * 8}, version 0.2.0",
        ]
    )


def test_where_no_box_answers_each_port_says_why(plugged, box):
    box.raw = lambda data: b"\r\n>>> "
    plugged += [usb(box.path, 0x10C4)]
    with pytest.raises(UserError) as error:
        find_box()
    assert error.value.key == "console-none-answers"
    assert "MicroPython" in str(error.value).splitlines()[1]


def test_a_computer_without_ports_says_so(plugged):
    with pytest.raises(UserError) as error:
        find_box()
    assert error.value.key == "console-no-port"
