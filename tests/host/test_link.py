"""The receiver's connection to its broker, against a broker that says exactly what the test wants."""

import asyncio
from typing import Any

from alertbox.receiver.link import Address, Incoming, Link
from alertbox.receiver.log import JsonLog

CONNACK, SUBACK = b"\x20\x02\x00\x00", b"\x90\x04\x00\x01\x01\x01"


def publish(topic: bytes, payload: bytes, mid: int) -> bytes:
    body = len(topic).to_bytes(2, "big") + topic + mid.to_bytes(2, "big") + payload
    return bytes([0x32, len(body)]) + body


def test_packets_that_share_a_tls_record_all_arrive_at_once(town):
    """What TLS holds already wakes no event loop: paho alone would leave the second for the broker's next word."""
    alerts = [b"first", b"second", b"third"]

    async def broker(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)  # CONNECT
        writer.write(CONNACK)
        await reader.read(1000)  # SUBSCRIBE
        writer.write(SUBACK + b"".join(publish(b"t", alert, mid) for mid, alert in enumerate(alerts, 1)))
        await reader.read(1000)  # silent until the end of the connection
        writer.close()

    async def story() -> list[bytes]:
        server = await asyncio.start_server(broker, "127.0.0.1", 0, ssl=town.server_context())
        port = server.sockets[0].getsockname()[1]
        arrived: list[bytes] = []
        all_here = asyncio.Event()

        def on_message(message: Incoming) -> None:
            arrived.append(message.payload)
            if len(arrived) == len(alerts):
                all_here.set()

        links: list[Any] = []
        address = Address("127.0.0.1", port, "receiver", "secret", "localhost", town.ca_certificate)
        link = Link(address, "test", on_message, links.append, JsonLog())
        await link.open()
        await asyncio.wait_for(all_here.wait(), 5)
        await link.close()
        server.close()
        assert links == [True, False]
        return arrived

    assert asyncio.run(story()) == alerts
