"""Run the box's MQTT client under MicroPython: `micropython mqtt_driver.py CONFIG.json`.

Stands in for the app and the outbox: it publishes `messages` numbered messages through
`workers` tasks, each one again until the client says that it is taken. What happens goes out as
JSON lines {"event": ...} beside the log. A byte on stdin is a call of drop(). At end-of-file it
stops the client, and says how long the loop stood still at most and how many files are left open.
"""

import asyncio
import json
import os
import sys
import time

from box.errors import TransportError
from box.transports.mqtt import MqttClient

_TICK_MS = 10


def say(event, **details):
    details["event"] = event
    sys.stdout.write(json.dumps(details) + "\n")


class Driver:
    def __init__(self, config):
        self._config = config
        self._left = list(range(config["messages"]))
        self._retries = 0
        self._attempts = 0
        self._holds = config["holds"]
        self._longest_gap_ms = 0
        with open(config["ca"], "rb") as file:
            ca_der = file.read()
        name = config["client_id"]
        self._client = MqttClient(
            host=config["host"],
            port=config["port"],
            server_hostname=config["server_hostname"],
            ca_der=ca_der,
            client_id=name,
            username=name,
            password=config["password"],
            will=(f"alertbox/{name}/state", b"offline"),
            subscriptions=(f"alertbox/{name}/ack", f"alertbox/{name}/command"),
            on_message=self._on_message,
            on_connected=self._on_connected,
            may_connect=self._may_connect,
            random=os.urandom,
            keepalive_s=config["keepalive_s"],
        )
        self._client.round_ms = config["round_ms"]
        self._client.backoff_ms = tuple(config["backoff_ms"])

    def _on_message(self, topic, payload):
        if payload == b"unbearable":
            raise OSError("no room for it")
        say("message", topic=topic, payload=payload.decode())

    def _on_connected(self):
        say("up")

    def _may_connect(self):
        """As if a gesture were open for `holds` questions before the second connection."""
        if self._attempts == 1 and self._holds:
            self._holds -= 1
            say("held", left=self._holds)
            return False
        self._attempts += 1
        return True

    async def _tick(self):
        last = time.ticks_ms()
        while True:
            await asyncio.sleep_ms(_TICK_MS)
            now = time.ticks_ms()
            self._longest_gap_ms = max(self._longest_gap_ms, time.ticks_diff(now, last) - _TICK_MS)
            last = now

    async def _publish_all(self):
        topic = "alertbox/" + self._config["client_id"] + "/alert"
        while self._left:
            number = self._left.pop(0)
            while not await self._published(topic, str(number).encode()):
                self._retries += 1

    async def _published(self, topic, payload):
        await self._client.wait_connected()
        try:
            await self._client.publish(topic, payload)
            return True
        except TransportError as error:
            say("failed", reason=str(error))
            return False

    async def _workers(self):
        await asyncio.gather(*[self._publish_all() for _ in range(self._config["workers"])])
        say("done", retries=self._retries)

    async def main(self):
        open_files = len(os.listdir("/proc/self/fd"))
        client = asyncio.create_task(self._client.run())
        tasks = [asyncio.create_task(part) for part in (self._tick(), self._workers())]
        stdin = asyncio.StreamReader(sys.stdin.buffer)
        while await stdin.read(1):
            self._client.drop("told to")
        client.cancel()
        try:  # noqa: SIM105 - MicroPython has no contextlib
            await client
        except asyncio.CancelledError:
            pass
        for task in tasks:
            task.cancel()
        leaked = len(os.listdir("/proc/self/fd")) - open_files
        say("end", longest_gap_ms=self._longest_gap_ms, leaked=leaked, connected=self._client.connected)


with open(sys.argv[1]) as config_file:
    asyncio.run(Driver(json.load(config_file)).main())
