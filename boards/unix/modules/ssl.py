"""`ssl` of the virtual ESP32: certificate dates are checked against the board's clock.

The unix port checks them against the host's, so a box whose clock was lost would
get away with it. Not modelled: the time a handshake takes on the chip.
"""

import time

import tls
from tls import *  # noqa: F403 - the same names as the chip's module
from virtual.clock import EPOCH_2000

_CONTEXT_0, _UTC_TIME = 0xA0, 0x17


class SSLContext:
    def __init__(self, protocol):
        self._context = tls.SSLContext(protocol)
        self._context.verify_callback = _check_dates
        self._context.verify_mode = tls.CERT_NONE if protocol == tls.PROTOCOL_TLS_SERVER else tls.CERT_REQUIRED

    @property
    def verify_mode(self):
        return self._context.verify_mode

    @verify_mode.setter
    def verify_mode(self, mode):
        self._context.verify_mode = mode

    def load_cert_chain(self, certfile, keyfile):
        self._context.load_cert_chain(certfile, keyfile)

    def load_verify_locations(self, cafile=None, cadata=None):
        self._context.load_verify_locations(cadata)

    def wrap_socket(self, sock, *, server_side=False, do_handshake_on_connect=True, server_hostname=None):
        return self._context.wrap_socket(
            sock,
            server_side=server_side,
            do_handshake_on_connect=do_handshake_on_connect,
            server_hostname=server_hostname,
        )


def _check_dates(certificate, depth):
    """Mbed TLS asks for each certificate of the chain; its own words, as on the chip."""
    starts, ends = _validity(bytes(certificate))
    now = time.time() + EPOCH_2000
    if now < starts:
        raise ValueError("\nThe certificate validity starts in the future\n")
    if now > ends:
        raise ValueError("\nThe certificate validity has expired\n")
    return 0


def _validity(der):
    """(not before, not after) of an X.509 certificate in Unix seconds (RFC 5280 4.1.2.5)."""
    at, _ = _enter(der, 0)  # Certificate
    at, _ = _enter(der, at)  # TBSCertificate
    if der[at] == _CONTEXT_0:
        at = _skip(der, at)  # version
    for _ in range(3):
        at = _skip(der, at)  # serial number, signature algorithm, issuer
    at, _ = _enter(der, at)
    return _time(der, at), _time(der, _skip(der, at))


def _enter(der, at):
    """(start, end) of the contents of the element at `at` (X.690 8.1.3)."""
    length = der[at + 1]
    at += 2
    if length & 0x80:
        count = length & 0x7F
        length = int.from_bytes(der[at : at + count], "big")
        at += count
    return at, at + length


def _skip(der, at):
    return _enter(der, at)[1]


def _time(der, at):
    start, end = _enter(der, at)
    digits = der[start:end].decode()
    if der[at] == _UTC_TIME:
        digits = ("19" if digits[0] >= "5" else "20") + digits
    parts = [int(digits[:4])] + [int(digits[i : i + 2]) for i in range(4, 14, 2)]
    return time.mktime((parts[0], parts[1], parts[2], parts[3], parts[4], parts[5], 0, 0)) + EPOCH_2000
