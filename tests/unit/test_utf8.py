"""Strict UTF-8, on both interpreters."""

from binascii import unhexlify

from box.core import utf8


def decoded(data):
    try:
        return utf8.decode(data)
    except ValueError:
        return None


def test_text_of_all_lengths_is_read():
    for text in ("", "a", "é", "€", "😀", "aé€😀", chr(0x7F), chr(0x80), chr(0x7FF), chr(0x800), chr(0xFFFF)):
        assert decoded(text.encode()) == text
    assert decoded(b"\xf4\x8f\xbf\xbf") == chr(0x10FFFF)


def test_what_is_no_utf8_is_refused():
    for text in (
        "80", "c3", "c328", "c080", "c1bf", "e282", "e28228", "e08080", "e09fbf", "eda080", "edbfbf",
        "f0808080", "f08fbfbf", "f4908080", "f5808080", "ff", "f09f98", "61c3", "c3a9a9",
    ):  # fmt: skip
        assert decoded(unhexlify(text)) is None, text


def case_bytes_are_the_text_or_refused(data):
    return decoded(unhexlify(data))


# First and last of what the standard (RFC 3629, section 4) lets follow each first byte, and what lies beside.
_RIGHT = """
7f c280 c2bf dfbf e0a080 e0bfbf e18080 ecbfbf ed8080 ed9fbf ee8080 efbfbf f0908080 f0bfbfbf f1808080 f3bfbfbf f4808080
f48fbfbf 61c28061 c280c280 e18080f1808080
"""
_WRONG = """
80 bf c080 c1bf c27f c2c0 dfc0 e09fbf e0c080 e17f80 e1c080 e1807f e180c0 ec80c0 eda080 edbf80 ee7f80 eec080 f08fbfbf
f0c08080 f17f8080 f1c08080 f180807f f18080c0 f3c08080 f4908080 f47f8080 f5808080 fe ff c2 e0a0 f09080 c28080 6180 61c2
f180 e180 c2c280 e1c280 ed9fc0 f48f80
"""


def test_each_first_byte_is_followed_by_what_the_standard_lets_follow():
    utf8.str = lambda data, coding: (bytes(data), coding)  # CPython's own would refuse what ours lets pass
    try:
        for sample in _RIGHT.split():
            assert decoded(unhexlify(sample)) == (unhexlify(sample), "utf-8"), sample
        for sample in _WRONG.split():
            assert decoded(unhexlify(sample)) is None, sample
    finally:
        del utf8.str
