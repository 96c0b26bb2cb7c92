"""How many alerts a second a receiver takes in: verified, committed and only then acknowledged.

    python tests/bench/receiver_load.py [--boxes 50] [--each 120] [--runs 3] [--broker mosquitto|embedded|both]

A receiver in a process of its own (`alertbox receiver run`, its log on), a broker, and one process that plays
all boxes, on whatever cores there are. The boxes' alerts are signed before; each box has two alerts under
way and sends the next when the receiver's acknowledgement of one is there. The time counts from the first
alert sent to the last acknowledgement read, whose MACs are checked afterwards, like what the database holds.
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sqlite3
import ssl
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "rig"))

from alertbox.receiver import Accounts  # noqa: E402
from alertbox.town import Town  # noqa: E402
from fake_box import FakeBox  # noqa: E402
from mosquitto import Mosquitto, free_port  # noqa: E402

GOAL_PER_S = 1000
WINDOW = 2
_PATIENCE_S = 120
_ALERTBOX = [sys.executable, "-c", "from alertbox.cli import main; main()"]
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def _packet(head: int, body: bytes) -> bytes:
    size, length = len(body), bytearray()
    while size > 127:
        length.append(size & 127 | 128)
        size >>= 7
    return bytes([head, *length, size]) + body


def _text(value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return struct.pack(">H", len(data)) + data


class LoadBox(asyncio.Protocol):
    """One box's connection, without any of MQTT that it does not need."""

    def __init__(self, box: FakeBox, alerts: list[bytes]) -> None:
        self.box = box
        self.acks: list[bytes] = []
        loop = asyncio.get_running_loop()
        self.ready, self.done = loop.create_future(), loop.create_future()
        topic = _text(f"alertbox/{box.id}/alert")
        # The packet identifier after the topic is the place in the list.
        self._left = [_packet(0x32, topic + struct.pack(">H", mid) + raw) for mid, raw in enumerate(alerts, 1)][::-1]
        self._expected = len(alerts)
        self._buffer = bytearray()
        self._transport: asyncio.Transport

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        account = self.box.account
        login = _text("MQTT") + bytes([4, 0xC2]) + struct.pack(">H", 60)
        login += _text(self.box.id) + _text(account["user"]) + _text(account["password"])
        subscribe = struct.pack(">H", 65535) + _text(f"alertbox/{self.box.id}/ack") + b"\1"
        transport.write(_packet(0x10, login) + _packet(0x82, subscribe))

    def start(self) -> None:
        self._transport.write(b"".join(self._left.pop() for _ in range(min(WINDOW, len(self._left)))))

    def connection_lost(self, error: Exception | None) -> None:
        for future in (self.ready, self.done):
            if not future.done():
                future.set_exception(ConnectionError(f"{self.box.id}: {error or 'ended by the broker'}"))
                future.exception()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        buffer, at, answer = self._buffer, 0, b""
        while len(buffer) - at >= 2:
            length, body = buffer[at + 1], at + 2
            if length & 128:
                if len(buffer) - at < 3:
                    break
                length, body = length & 127 | buffer[at + 2] << 7, at + 3
            if len(buffer) < body + length:
                break
            answer += self._take(buffer[at], bytes(buffer[body : body + length]))
            at = body + length
        del buffer[:at]
        if answer:
            self._transport.write(answer)

    def _take(self, head: int, body: bytes) -> bytes:
        if head == 0x90:
            self.ready.set_result(None)
        if head & 0xF0 != 0x30:
            return b""
        after_topic = 2 + int.from_bytes(body[:2], "big")
        self.acks.append(body[after_topic + 2 :])
        if len(self.acks) == self._expected:
            self.done.set_result(None)
        return b"\x40\x02" + body[after_topic : after_topic + 2] + (self._left.pop() if self._left else b"")

    def close(self) -> None:
        self._transport.close()


async def _drive(boxes: list[FakeBox], alerts: list[list[bytes]]) -> tuple[float, list[LoadBox]]:
    """Seconds from the first alert to the last acknowledgement, and the boxes' ends with what they got."""
    loop = asyncio.get_running_loop()
    context = ssl.create_default_context(cadata=bytes.fromhex(boxes[0].account["ca"]))
    ends = [LoadBox(box, own) for box, own in zip(boxes, alerts, strict=True)]
    for end in ends:
        port = end.box.account["port"]
        await loop.create_connection(lambda end=end: end, "127.0.0.1", port, ssl=context, server_hostname="localhost")  # type: ignore[misc]
    await asyncio.wait_for(asyncio.gather(*(end.ready for end in ends)), _PATIENCE_S)
    began = time.perf_counter()
    for end in ends:
        end.start()
    await asyncio.wait_for(asyncio.gather(*(end.done for end in ends)), _PATIENCE_S)
    seconds = time.perf_counter() - began
    for end in ends:
        end.close()
    return seconds, ends


@contextlib.contextmanager
def _receiver(town: Town, port: int, log: Path, url: str | None) -> Iterator[int]:
    arguments = ["--broker", url] if url else ["--port", str(port)]
    command = [*_ALERTBOX, "receiver", "run", str(town.path), "--enrol-port", "0", "--log", str(log), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        if not process.stdout.readline():
            raise RuntimeError("the receiver did not start")
        yield process.pid
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


def _cpu_s(pid: int) -> float:
    """Processor seconds of a process so far (Linux)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def _check(town: Town, ends: list[LoadBox], alerts: list[list[bytes]]) -> None:
    """Each alert was acknowledged once, under the box's own secret, and is in the database."""
    for end, own in zip(ends, alerts, strict=True):
        acknowledged = sorted(end.box.read_ack(ack)[4] for ack in end.acks)
        assert acknowledged == list(range(1, len(own) + 1)), end.box.id
    with contextlib.closing(sqlite3.connect(town.database)) as database:
        stored = {raw for (raw,) in database.execute("SELECT raw FROM alerts")}
    assert stored == {raw for own in alerts for raw in own}


def one_run(kind: str, boxes_count: int, each: int) -> dict[str, float]:
    """Alerts a second, and processor milliseconds an alert for each of the parts."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        town = Town.create(folder / "town")
        port = free_port()
        boxes = [FakeBox() for _ in range(boxes_count)]
        accounts = Accounts.open(town)
        for number, box in enumerate(boxes):
            box.account = accounts.enrol(box.public, f"Shop {number}", "127.0.0.1", port)
        alerts = [[box.alert(sequence) for sequence in range(1, each + 1)] for box in boxes]
        pids = {"generator": os.getpid()}
        url = None
        if kind == "mosquitto":
            broker = stack.enter_context(Mosquitto(town, folder / "mosquitto", port))
            url, pids["broker"] = broker.url, broker.pid
        pids["receiver"] = stack.enter_context(_receiver(town, port, folder / "log", url))
        before = {name: _cpu_s(pid) for name, pid in pids.items()}
        seconds, ends = asyncio.run(_drive(boxes, alerts))
        spent = {name: _cpu_s(pid) - before[name] for name, pid in pids.items()}
        _check(town, ends, alerts)
    count = boxes_count * each
    return {"per_s": count / seconds} | {f"{name}_cpu_ms": 1000 * cpu / count for name, cpu in spent.items()}


def main(
    boxes: int = 50, each: int = 120, runs: int = 3, kinds: tuple[str, ...] = ("mosquitto", "embedded")
) -> dict[str, Any]:
    """For each broker the run with the median rate: alerts a second, and processor milliseconds an alert."""
    figures: dict[str, Any] = {"boxes": boxes, "alerts": boxes * each, "runs": runs, "goal_per_s": GOAL_PER_S}
    for kind in kinds:
        if kind == "mosquitto" and Mosquitto.missing:
            figures[kind] = Mosquitto.missing
            continue
        results = sorted((one_run(kind, boxes, each) for _ in range(runs)), key=lambda result: result["per_s"])
        median = results[len(results) // 2]
        rates = [round(result["per_s"]) for result in results]
        figures[kind] = {name: round(value, 3) for name, value in median.items()} | {"all_per_s": rates}
    return figures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--boxes", type=int, default=50)
    parser.add_argument("--each", type=int, default=120)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--broker", choices=["mosquitto", "embedded", "both"], default="both")
    options = parser.parse_args()
    chosen = ("mosquitto", "embedded") if options.broker == "both" else (options.broker,)
    print(json.dumps(main(options.boxes, options.each, options.runs, chosen), indent=2))
