"""Read JSON (RFC 8259) as it is written, and refuse what is not.

Pure. MicroPython's json.loads takes `[1 2}`, `{"a",1}`, `01` and raw control characters, keeps the last of two equal
names, and leaves escaped surrogates apart. What comes from outside, to be obeyed or stored, is read here instead.
It reads bytes: to index a str, MicroPython counts characters from the start.
"""

# A generator's type has a name in the module typing only, which MicroPython has not: generators go without.
# mypy: allow-untyped-defs, allow-incomplete-defs, allow-untyped-calls

import json

from box.core import utf8
from box.core.steps import finish

_DEEPEST = 8  # objects and lists within one another; the interpreter's stack on a chip is small
_IN_STEPS = _DEEPEST - 2  # down to there
_LONGEST_NUMBER = 24
_END = 0  # after the last byte
_QUOTE, _BACKSLASH, _COMMA, _COLON = b'"\\,:'
_OBJECT, _OBJECT_END, _LIST, _LIST_END = b"{}[]"
_NESTED = b"{["
_BLANK = b" \t\n\r"
_AFTER_WORD = b",]} \t\n\r\0"
_ESCAPES = b'"\\/bfnrt'
_ESCAPED = '"\\/\b\f\n\r\t'
_WORDS = {b"true": True, b"false": False, b"null": None}
_DIGITS = b"0123456789"


class JsonError(ValueError):
    """This is no JSON; the text says what is wrong, and where."""


def loads(data: bytes) -> object:
    """The value that UTF-8 text holds: a dict, list, str, int, float, bool or None. Raises JsonError."""
    return finish(steps(data))


def steps(data: bytes):
    """`loads` in steps: one for each object or list in the outermost two."""
    reader = _Reader(data + b"\0")
    value = yield from reader.value(_DEEPEST)
    if reader.next() != _END or reader.at != len(data):
        raise reader.error("the end")
    return value


class _Reader:
    """`at`: where in the bytes it is."""

    def __init__(self, data: bytes):
        self._data = data
        self.at = 0

    def error(self, wanted: str) -> JsonError:
        return JsonError("%s is expected at byte %d" % (wanted, self.at))

    def next(self) -> int:
        """The next byte that is no blank; it stays the next."""
        while self._data[self.at] in _BLANK:
            self.at += 1
        return self._data[self.at]

    def _take(self, byte: int) -> bool:
        found = self.next() == byte
        self.at += found
        return found

    def _need(self, byte: int) -> None:
        if not self._take(byte):
            raise self.error(chr(byte))

    def value(self, depth: int):
        if not depth:
            raise self.error("less depth")
        if self._take(_OBJECT):
            return (yield from self._object(depth - 1))
        if self._take(_LIST):
            return (yield from self._list(depth - 1))
        return self._plain(depth)

    def _nested(self, depth: int):
        if depth > _IN_STEPS:
            return (yield from self.value(depth))
        return finish(self.value(depth))

    def _plain(self, depth: int) -> object:
        if not depth:
            raise self.error("less depth")
        return self._string() if self._take(_QUOTE) else self._word()

    def _object(self, depth: int):
        found: dict = {}
        if self._take(_OBJECT_END):
            return found
        while True:
            self._need(_QUOTE)
            name = self._string()
            if name in found:
                raise self.error("another name than before")
            self._need(_COLON)
            if self.next() in _NESTED:
                found[name] = yield from self._nested(depth)
                yield
            else:
                found[name] = self._plain(depth)
            if self._take(_OBJECT_END):
                return found
            self._need(_COMMA)

    def _list(self, depth: int):
        found: list = []
        if self._take(_LIST_END):
            return found
        while True:
            if self.next() in _NESTED:
                found.append((yield from self._nested(depth)))
                yield
            else:
                found.append(self._plain(depth))
            if self._take(_LIST_END):
                return found
            self._need(_COMMA)

    def _string(self) -> str:
        """The rest of a string whose first quote has been taken."""
        text = ""
        data = self._data
        while True:
            quote = data.find(b'"', self.at)
            end = len(data) - 1 if quote < 0 else quote
            escape = data.find(b"\\", self.at, end)
            text += self._text(end if escape < 0 else escape)
            if quote < 0 and escape < 0:
                raise self._unclosed()
            self.at += 1
            if escape < 0:
                return text
            text += self._escape()

    def _text(self, end: int) -> str:
        """The characters up to there, none of them a quote or an escape."""
        part = self._data[self.at : end]
        if part and min(part) < 0x20:
            while self._data[self.at] >= 0x20:
                self.at += 1
            raise self._unclosed()
        self.at = end
        try:
            return utf8.decode(part)
        except ValueError:
            raise self.error("UTF-8")

    def _unclosed(self) -> JsonError:
        return self.error("a closing quote, or an escape,")

    def _escape(self) -> str:
        place = _ESCAPES.find(self._data[self.at : self.at + 1])
        self.at += 1
        if place >= 0:
            return _ESCAPED[place]
        self.at -= 1
        code = self._hex()
        if 0xD800 <= code < 0xDC00 and self._data[self.at] == _BACKSLASH:
            self.at += 1
            low = self._hex()
            if 0xDC00 <= low < 0xE000:
                return chr(0x10000 + ((code - 0xD800) << 10) + low - 0xDC00)
        if 0xD800 <= code < 0xE000:
            raise self.error("a pair of surrogates")
        return chr(code)

    def _hex(self) -> int:
        """The code of `u0041`."""
        digits = self._data[self.at + 1 : self.at + 5]
        if self._data[self.at] != 0x75 or len(digits) < 4 or digits.strip(b"0123456789abcdefABCDEF"):
            raise self.error("an escape that JSON has")
        self.at += 5
        return int(digits, 16)

    def _word(self) -> object:
        """A number, true, false or null."""
        start = self.at
        while self._data[self.at] not in _AFTER_WORD:
            self.at += 1
        word = self._data[start : self.at]
        if word in _WORDS:
            return _WORDS[word]
        if len(word) > _LONGEST_NUMBER or not _is_number(word):
            self.at = start
            raise self.error("a value")
        return json.loads(word)


def _is_number(word: bytes) -> bool:
    mantissa, exponent, power = word.lower().partition(b"e")
    whole, point, fraction = mantissa.partition(b".")
    if whole[:1] == b"-":
        whole = whole[1:]
    if power[:1] in (b"+", b"-"):
        power = power[1:]
    return (
        _are_digits(whole)
        and (whole == b"0" or whole[0] != 0x30)
        and (not point or _are_digits(fraction))
        and (not exponent or _are_digits(power))
    )


def _are_digits(word: bytes) -> bool:
    return word != b"" and not word.strip(_DIGITS)
