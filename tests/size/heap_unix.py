"""Heap of the armed box on the unix port (64-bit): `micropython heap_unix.py settings.json` prints JSON.

Everything is real but the chip: littlefs, sockets, TLS.
"""

import asyncio
import gc
import json
import ssl
import sys

import probe


def used():
    gc.collect()
    return gc.mem_alloc()


async def armed():
    task = probe.arm()
    await asyncio.sleep_ms(settings["settle_ms"])
    answer["armed"] = used()
    task.cancel()


def tls_context(ca):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=ca)
    return context


with open(sys.argv[1]) as _file:
    settings = json.load(_file)
device = probe.littlefs(settings["vfs_blocks"])
before = used()
probe.mount(device)
answer = {"littlefs": used() - before}
sys.path[:] = ["/host" + part for part in settings["path"]] + [".frozen"]
probe.put(settings["files"])
probe.chip(settings["rows"], settings["cells"])
ca = bytes.fromhex(settings["ca"])
before = used()
context = tls_context(ca)
answer["tls"] = used() - before
context = None
answer["before"] = used()
probe.load(settings["names"])
answer["loaded"] = used()
asyncio.run(armed())
print(json.dumps(answer))
