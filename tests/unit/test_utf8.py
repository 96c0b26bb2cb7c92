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
