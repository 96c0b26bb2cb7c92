"""The box's own share of a press: from classification to the MQTT packet that TLS gets, through the real parts.

Issuer, signer (a pair ready), journal, outbox, envelope and packet are the firmware's; the transport only notes the
time. The receipt comes back each time, as in service.
"""

import asyncio
import json
import os
import time

from box.alerts.issuer import Issuer
from box.alerts.outbox import Outbox
from box.core import alert, cbor, cose, mac, mqtt, p256, signer
from box.core.incident import Incident
from box.status import Status
from box.storage.identity import Identity
from box.storage.journal import Journal
from measured_flash import MeasuredFlash

_PRESSES = 300
_KEY = bytes(range(32))
_HMAC_256 = b"\xa1\x01\x05"
_AT_LEAST_MS = 5  # between presses, so that each starts from a loop at rest


class _Clock:
    """As box.clock.Clock, without a chip's RTC."""

    def now(self):
        return time.ticks_ms()

    def utc(self):
        return 1800000000

    def uptime_s(self):
        return time.ticks_ms() // 1000

    def correct(self, utc):
        pass


class _Stored:
    class events:
        boot = 1

    def __init__(self, identity, journal):
        self.identity = identity
        self.journal = journal


class _Transport:
    """Builds the packet as the MQTT client does and stops the watch."""

    name = "bench"
    connected = True

    def __init__(self, topic):
        self._topic = topic
        self._packet_id = 0
        self.handed = asyncio.Event()
        self.at_us = 0

    async def wait_connected(self):
        pass

    def hurry(self):
        pass

    async def send(self, message):
        self._packet_id += 1
        packet = mqtt.publish(self._topic, message, self._packet_id)
        self.at_us = time.ticks_us()
        assert len(packet) > len(message)
        self.handed.set()


def _receipt(box, sequence):
    body = cbor.encode({1: 1, 2: box, 4: sequence, 7: 1800000000, 11: alert.RECEIVED})
    tag = mac.hmac_sha256(_KEY, cbor.encode(["MAC0", _HMAC_256, cose.ACK_AAD, body]))
    return cbor.encode(cbor.Tag(17, [_HMAC_256, {}, body, tag]))


async def _main():
    private, public = p256.finish(signer.generate_key(os.urandom))
    identity = Identity(private, public)
    flash = MeasuredFlash(32)
    journal = Journal(flash)
    journal.recover()
    journal.format(identity.box)
    keys = signer.Signer(private, 1, os.urandom)
    clock = _Clock()
    transport = _Transport("alertbox/" + identity.box.hex() + "/alert")
    outbox = Outbox(((transport, 0),), journal, (identity.box, _KEY), clock, os.urandom)
    issuer = Issuer(_Stored(identity, journal), keys, Incident(), clock, Status())
    issuer.listeners = (outbox,)
    task = asyncio.create_task(outbox.run())
    total_us, flash_us, reads, read_bytes, programs, erases = [], 0, 0, 0, [], 0
    for _ in range(_PRESSES):
        p256.finish(keys.refill())
        while journal.prepare():
            pass
        await asyncio.sleep_ms(_AT_LEAST_MS)
        sequence = journal.next_sequence
        before = flash.us, flash.reads, flash.read_bytes, flash.programs, flash.erases
        transport.handed.clear()
        begin = time.ticks_us()
        issuer.issue(alert.INFORM, 1)
        programs.append(flash.programs - before[3])
        erases = max(erases, flash.erases - before[4])
        await transport.handed.wait()
        total_us.append(time.ticks_diff(transport.at_us, begin))
        flash_us += flash.us - before[0]
        reads += flash.reads - before[1]
        read_bytes += flash.read_bytes - before[2]
        outbox.acknowledge(_receipt(identity.box, sequence))
        assert not journal.undelivered()
    task.cancel()
    total_us.sort()
    print(
        json.dumps(
            {
                "presses": _PRESSES,
                "median_us": total_us[_PRESSES // 2],
                "worst_us": total_us[-1],
                "flash_us": flash_us / _PRESSES,
                "reads": reads / _PRESSES,
                "read_bytes": read_bytes / _PRESSES,
                "programs": max(programs),
                "erases": erases,
            }
        )
    )


asyncio.run(_main())
