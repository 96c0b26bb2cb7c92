"""A MicroPython process that runs the functions of one test file on request (the other end: on_micropython.py)."""

import contextlib
import json
import linecache
import os
import re
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).parents[2]
MICROPYTHON = os.environ.get("MICROPYTHON") or str(Path(sys.executable).with_name("micropython"))
TIMEOUT_S = float(os.environ.get("UNIT_TIMEOUT_S", "180"))
HEAP = "4M"  # room for tables of vectors; what the box itself may use is measured elsewhere
MARK = b"\x1eanswer "  # as in on_micropython.py


class _Process(subprocess.Popen[bytes]):
    """Always with a pipe at both ends."""

    stdin: IO[bytes]
    stdout: IO[bytes]


class MicroPythonFailure(Exception):
    """A test failed under MicroPython; the text is what a person reads."""


class Interpreter:
    """MicroPython with one test file loaded: started at the first question, and again after a crash."""

    def __init__(self, module_name: str):
        self._module_name = module_name
        self._process: _Process | None = None
        self.printed = ""  # what the test wrote during the last question

    def ask(self, function: str, *arguments: Any) -> Any:
        """The function's result, through JSON. Raises MicroPythonFailure with the reason."""
        self.printed = ""
        if self._process is None:
            self._process = self._start()
        with contextlib.suppress(BrokenPipeError):  # a process that has ended is found out while reading
            self._process.stdin.write(f"{to_json([function, *arguments])}\n".encode())
        text = self._read_answer(self._process)
        try:
            answer = json.loads(text)
        except ValueError:
            # MicroPython's json writes what it does not know as it prints it.
            raise MicroPythonFailure(f"{function} returned what JSON cannot hold: {text}") from None
        if "error" in answer:
            raise MicroPythonFailure(_readable(answer["error"]))
        return answer["result"]

    def close(self) -> None:
        if self._process is not None:
            self._end(self._process, patience_s=1)

    def _start(self) -> _Process:
        path = os.pathsep.join(("firmware", "boards/unix", "tests/unit", ".frozen"))
        command = [MICROPYTHON, "-X", f"heapsize={HEAP}", "tests/unit/on_micropython.py", self._module_name]
        try:
            return _Process(
                command,
                cwd=ROOT,
                env={**os.environ, "MICROPYPATH": path},
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
        except OSError as error:
            raise MicroPythonFailure(
                f"MicroPython does not start: {error}. "
                "Run `make setup`, or set MICROPYTHON to an executable of the unix port."
            ) from error

    def _read_answer(self, process: _Process) -> str:
        """The next answer's JSON; all other output goes to `printed`."""
        deadline = time.monotonic() + TIMEOUT_S
        received = b""
        while not (received.endswith(b"\n") and MARK in received):
            ready, _, _ = select.select([process.stdout], [], [], max(0, deadline - time.monotonic()))
            chunk = os.read(process.stdout.fileno(), 65536) if ready else b""
            if not chunk:
                self.printed = received.decode(errors="replace")
                status = self._end(process, patience_s=1 if ready else 0)
                raise MicroPythonFailure(
                    f"MicroPython ended in the middle of the test, with status {status}."
                    if ready
                    else f"MicroPython gave no answer in {TIMEOUT_S:g} s (UNIT_TIMEOUT_S) and was ended."
                )
            received += chunk
        printed, _, answer = received.rpartition(MARK)
        self.printed = printed.decode(errors="replace")
        return answer.decode(errors="replace")

    def _end(self, process: _Process, patience_s: float) -> int:
        """End the process, by force if it does not end by itself; its status, negative for a signal."""
        self._process = None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        try:
            process.wait(patience_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
        return process.returncode


def to_json(value: Any) -> str:
    # MicroPython does not join the escaped surrogates of a character beyond 0xFFFF: send it as it is.
    return json.dumps(value, ensure_ascii=False)


def _readable(traceback: str) -> str:
    """MicroPython's traceback, the error first, and with the text of each line, which MicroPython does not print."""

    def add_source(match: re.Match[str]) -> str:
        source = linecache.getline(str(ROOT / match[1]), int(match[2])).strip()
        return f"{match[0]}\n    {source}" if source else match[0]

    # The first line is a constant heading, and the topmost frame is the runner's own.
    lines = [line for line in traceback.splitlines()[1:] if '"tests/unit/on_micropython.py"' not in line]
    return re.sub(r'  File "(.+)", line (\d+).*', add_source, "\n".join([lines[-1], *lines]))


def version() -> str:
    """The interpreter's version, for people."""
    script = "import sys; print(*sys.implementation.version)"
    try:
        output = subprocess.run([MICROPYTHON, "-c", script], capture_output=True, text=True, timeout=10).stdout
    except OSError:
        return f"missing ({MICROPYTHON})"
    return ".".join(output.split())  # 1.28.0, or 1.29.0.preview
