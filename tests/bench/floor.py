"""The floor: a CPython publisher that sends alerts signed beforehand. A process of its own, as the box is.

On standard input: a line of JSON with the account, then an alert in hex a line. For each it prints the monotonic time
(one clock for all processes of a machine) just before it hands the alert to its MQTT client.
"""

import json
import socket
import ssl
import sys
import time

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

_POLL_S = 0.05


class Publisher:
    """No thread: `publish` then writes to TLS in the caller, which is as short as it gets."""

    def __init__(self, account: dict[str, str]) -> None:
        self._topic = f"alertbox/{account['user']}/alert"
        self._is_connected = False
        self._client = client = mqtt.Client(CallbackAPIVersion.VERSION2, account["user"], clean_session=False)
        client.username_pw_set(account["user"], account["password"])
        client.tls_set_context(ssl.create_default_context(cadata=bytes.fromhex(account["ca"])))
        client.on_connect = self._connected
        client.connect("localhost", int(account["port"]))
        connection = client.socket()
        assert isinstance(connection, socket.socket)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while not self._is_connected:
            client.loop(_POLL_S)

    def _connected(self, client: mqtt.Client, data: object, flags: object, reason: object, properties: object) -> None:
        self._is_connected = True

    def publish(self, alert: bytes) -> float:
        """Send, wait for the PUBACK; the time before."""
        begin = time.monotonic()
        sent = self._client.publish(self._topic, alert, qos=1)
        while not sent.is_published():
            self._client.loop(_POLL_S)
        return begin


def main() -> None:
    publisher = Publisher(json.loads(sys.stdin.readline()))
    print("ready", flush=True)
    for line in sys.stdin:
        print(publisher.publish(bytes.fromhex(line)), flush=True)


if __name__ == "__main__":
    main()
