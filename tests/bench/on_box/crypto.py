"""What a pair, a signature without one and a signature with one take: microseconds, and modular multiplications."""

import json
import os
import time

from box.core import p256, signer

_ROUNDS = 200
_BATCHES, _MULMODS = 10, 2000
_MESSAGE = bytes(110)
_plain_mulmod = p256.mulmod
_count = 0


def _counting_mulmod(a, b, modulus):
    global _count
    _count += 1
    return _plain_mulmod(a, b, modulus)


def _median_us(prepare, operation):
    times = []
    for _ in range(_ROUNDS):
        prepare()
        begin = time.ticks_us()
        operation()
        times.append(time.ticks_diff(time.ticks_us(), begin))
    times.sort()
    return times[_ROUNDS // 2]


def _mulmods(prepare, operation):
    global _count
    prepare()
    p256.mulmod = _counting_mulmod
    _count = 0
    operation()
    p256.mulmod = _plain_mulmod
    return _count


def _mulmod_us():
    a, b = p256.P // 3, p256.P // 5
    times = []
    for _ in range(_BATCHES):
        begin = time.ticks_us()
        for _ in range(_MULMODS):
            a = _plain_mulmod(a, b, p256.P)
        times.append(time.ticks_diff(time.ticks_us(), begin))
    return min(times) / _MULMODS


def _nothing():
    pass


_private, _ = p256.finish(signer.generate_key(os.urandom))
_signer = signer.Signer(_private, 1, os.urandom)


def _refill():
    p256.finish(_signer.refill())


def _sign():
    _signer.sign(_MESSAGE)


def _pair():
    p256.finish(p256.pair(int.from_bytes(os.urandom(31), "big") + 1))


_cases = {"full": (_nothing, _sign), "online": (_refill, _sign), "pair": (_nothing, _pair)}
_answer = {"mulmod_us": _mulmod_us()}
for _name in _cases:
    _prepare, _operation = _cases[_name]
    _answer[_name] = {"us": _median_us(_prepare, _operation), "mulmods": _mulmods(_prepare, _operation)}
print(json.dumps(_answer))
