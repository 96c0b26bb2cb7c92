"""DNS (RFC 1035): one question for the IPv4 address of a name, and the answer to it.

Pure: no socket, no clock. A response comes from anybody who can send a UDP packet, so all that
is wrong with one ends as DnsError, and the work is bounded by its 512 bytes.
Only what lies in the answer section counts; what a server adds unasked is not read.
"""

import struct

LONGEST = 512  # bytes of a message over UDP

_A, _CNAME, _INTERNET = 1, 5, 1
_QUESTION_AT = 12  # after the header
_RECURSION_DESIRED = 0x0100
_QR_AND_OPCODE, _REPLY = 0xF8, 0x80
_TRUNCATED = 0x02
_LONGEST_NAME, _LONGEST_LABEL, _POINTER = 255, 63, 0xC0
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
_REFUSALS = {2: "the DNS server failed", 3: "there is no such name", 5: "the DNS server refuses"}


class DnsError(ValueError):
    """A name that cannot be asked for, or a response that holds no address."""


def is_address(host: str) -> bool:
    """Is this an IPv4 address, as `192.0.2.1`?"""
    parts = host.split(".")
    if len(parts) != 4:
        return False
    for part in parts:
        if not 1 <= len(part) <= 3 or part.strip("0123456789") or int(part) > 255:
            return False
    return True


def encode_query(name: str, query_id: int) -> bytes:
    """Ask a recursive server for the A records of `name`; `query_id` has 16 random bits."""
    wire = b""
    for label in name.split("."):
        if not 0 < len(label) <= _LONGEST_LABEL or label.strip(_LETTERS):
            raise DnsError("%s is no DNS name" % name)
        wire += bytes([len(label)]) + label.encode()
    if len(wire) >= _LONGEST_NAME:
        raise DnsError("%s is too long for a DNS name" % name)
    header = struct.pack(">HHHHHH", query_id, _RECURSION_DESIRED, 1, 0, 0, 0)
    return header + wire + struct.pack(">BHH", 0, _A, _INTERNET)


def is_reply(query: bytes, response: bytes) -> bool:
    """Does `response` answer this very query: its id, its question and no other? If not, ignore it."""
    return (
        len(query) <= len(response) <= LONGEST
        and response[:2] == query[:2]
        and response[2] & _QR_AND_OPCODE == _REPLY
        and response[4:6] == b"\x00\x01"
        and response[_QUESTION_AT : len(query)].lower() == query[_QUESTION_AT:].lower()
    )


def decode_response(query: bytes, response: bytes) -> tuple:
    """(addresses as text, seconds for which they hold) out of the response to `query`."""
    if not is_reply(query, response):
        raise DnsError("a response to another query")
    if response[2] & _TRUNCATED:
        raise DnsError("a truncated response")
    code = response[3] & 0x0F
    if code:
        raise DnsError(_REFUSALS.get(code) or "the DNS server answers with the code %d" % code)
    hosts, aliases = _answers(response, len(query))
    name, ttl_s = query[_QUESTION_AT:-4].lower(), 0x7FFFFFFF
    while name not in hosts:
        if name not in aliases:
            raise DnsError("a response without an address")
        name, alias_ttl_s = aliases.pop(name)  # taken away, so that aliases in a circle come to an end
        ttl_s = min(ttl_s, alias_ttl_s)
    addresses, host_ttl_s = hosts[name]
    return addresses, min(ttl_s, host_ttl_s)


def _answers(response: bytes, at: int) -> tuple:
    """({owner: (addresses, ttl)}, {owner: (what it is an alias of, ttl)}) of the answer section at `at`."""
    hosts: dict = {}
    aliases: dict = {}
    for _ in range(int.from_bytes(response[6:8], "big")):
        owner, at = _name(response, at)
        data_at = at + 10
        if data_at > len(response):
            raise DnsError("a response that ends in a record")
        kind, group, ttl_s, size = struct.unpack(">HHIH", response[at:data_at])
        at = data_at + size
        if at > len(response):
            raise DnsError("a response that ends in a record")
        if ttl_s > 0x7FFFFFFF:  # RFC 2181, 8
            ttl_s = 0
        if group == _INTERNET and kind == _A:
            if size != 4:
                raise DnsError("an address of %d bytes" % size)
            addresses, least_s = hosts.get(owner, ([], ttl_s))
            addresses.append("%d.%d.%d.%d" % tuple(response[data_at:at]))
            hosts[owner] = addresses, min(least_s, ttl_s)
        elif group == _INTERNET and kind == _CNAME:
            target, end = _name(response, data_at)
            if end != at:
                raise DnsError("an alias that does not fill its record")
            aliases[owner] = target, ttl_s
    return hosts, aliases


def _name(response: bytes, at: int) -> tuple:
    """(the name at `at`, uncompressed and in lower case; where it ends)."""
    name = b""
    segment_at = at
    end = 0  # not known until the first pointer or the last label
    while True:
        head = response[at : at + 2]
        if not head:
            raise DnsError("a response that ends in a name")
        length = head[0]
        if length >= _POINTER:
            target = int.from_bytes(head, "big") & 0x3FFF
            # Each pointer leads to before the segment that it ends, so there can be no circle.
            if len(head) < 2 or not _QUESTION_AT <= target < segment_at:
                raise DnsError("a pointer that does not lead back")
            end = end or at + 2
            at = segment_at = target
            continue
        name += response[at : at + 1 + length]
        at += 1 + length
        if length > _LONGEST_LABEL or at > len(response) or len(name) > _LONGEST_NAME:
            raise DnsError("a label that is too long")
        if not length:
            return name.lower(), end or at
