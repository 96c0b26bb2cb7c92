"""An ESP32 on a serial port, for esptool: `esp32-mock-bootloader` behind a pty, with a cable that can be slow or cut.

A pty has no reset line, so what comes in decides: SLIP frames are for the bootloader, anything else for the
application that has been written.
"""

import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from pty_port import PtyPort

MAC = "24:0a:c4:e2:95:26"  # the mock's
FLASH_4_MIB, FLASH_2_MIB = 0x164020, 0x154020  # JEDEC ids
_SLIP_END = b"\xc0"
_BITS_A_BYTE = 10
# A reading host that is late by its 0.05 s would end the reading: this machine may be busy.
_START = """
from esp32_mock_bootloader import protocol, server
protocol.MOCK_FLASH_ID = {flash_id}
server._CLIENT_RECV_TIMEOUT = 10
from esp32_mock_bootloader.cli import main
main(["run", "--port", "0", "--chip", "{chip}"])
"""


class MockBoard(PtyPort):
    """`path` is its port. baud: bits a second from the host, None for as fast as it goes.

    application: gets what is sent to the application; it answers with `say`. cut_after: bytes from the host after
    which the cable is pulled.
    """

    def __init__(
        self,
        *,
        chip: str = "esp32",
        flash_id: int = FLASH_4_MIB,
        baud: int | None = None,
        application: Callable[["MockBoard", bytes], None] | None = None,
        cut_after: int | None = None,
    ) -> None:
        super().__init__()
        self._baud = baud
        self._application = application
        self._left = cut_after
        self._idle_at = 0.0
        self._in_frame = False
        self.programmed = False
        self._bootloader: socket.socket | None = None
        code = _START.format(chip=chip, flash_id=flash_id)
        self._mock = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        assert self._mock.stdout is not None
        found = re.search(r"listening on 127\.0\.0\.1:(\d+)", self._mock.stdout.readline())
        assert found, "the mock bootloader does not start"
        self._mock_port = int(found[1])
        threading.Thread(target=self._mock.stdout.read, daemon=True).start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        self._hang_up()
        self._mock.kill()
        self._mock.wait()

    def flash(self, folder: Path, size: int = 4 * 2**20) -> bytes:
        """What is in flash, read by esptool."""
        out = folder / "read-back.bin"
        command = [sys.executable, "-m", "esptool", "--chip", "esp32", "--port", self.path]
        read = ["read-flash", "--no-progress", "0", str(size), str(out)]
        subprocess.run([*command, *read], check=True, capture_output=True)
        return out.read_bytes()

    # ---- the cable ----

    def take(self, data: bytes) -> None:
        if self._baud:
            began = time.monotonic()
            # The line's own time; what one sleep is too long, the next is shorter.
            self._idle_at = max(self._idle_at, began) + len(data) * _BITS_A_BYTE / self._baud
            time.sleep(max(0.0, self._idle_at - time.monotonic()))
        if self._left is not None:
            self._left -= len(data)
        if self._in_frame or data.startswith(_SLIP_END):
            self._in_frame ^= bool(data.count(_SLIP_END) % 2)
            self.programmed = True
            self._dial().sendall(data)
        elif self._application is not None:
            self._hang_up()
            self._application(self, data)
        if self._left is not None and self._left <= 0:
            self.pull()

    def _dial(self) -> socket.socket:
        """The mock hangs up three seconds after a write; it is called again for the next."""
        if self._bootloader is None:
            self._bootloader = socket.create_connection(("127.0.0.1", self._mock_port))
            threading.Thread(target=self._answers, args=(self._bootloader,), daemon=True).start()
        return self._bootloader

    def _answers(self, bootloader: socket.socket) -> None:
        try:
            while data := bootloader.recv(65536):
                self.say(data)
        except OSError:
            pass  # hung up, or the cable is gone
        if self._bootloader is bootloader:
            self._bootloader = None

    def _hang_up(self) -> None:
        bootloader, self._bootloader = self._bootloader, None
        if bootloader is not None:
            bootloader.shutdown(socket.SHUT_RDWR)
            bootloader.close()
