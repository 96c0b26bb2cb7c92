"""What holds at this moment: which conditions are on, and whether a gesture is being read.

A row has one writer. What was told of a row (`set`) and what is measured of it (`measure`) stay apart: mains that went
a second ago is not worth telling yet, and an alert that leaves now says all the same that the box runs on its battery.
"""

from box.core import conditions


class Status:
    """`listeners`: each has `condition(row, on)` and is called at every change. `inputs`: what may be `open`."""

    def __init__(self) -> None:
        self.listeners: tuple = ()
        self.inputs: tuple = ()
        self._on = 0  # bits, by row
        self._measured: dict = {}  # row: function
        self._sentences: dict = {}  # row: what its writer says

    def set(self, row: int, on: bool, sentence: str = "") -> None:
        if sentence:
            self._sentences[row] = sentence
        if self.is_on(row) != on:
            self._on ^= 1 << row
            for listener in self.listeners:
                listener.condition(row, on)

    def is_on(self, row: int) -> bool:
        """As it was told last."""
        return bool(self._on >> row & 1)

    def measure(self, row: int, function) -> None:
        """`function()` tells how the row is at this moment."""
        self._measured[row] = function

    def holds(self, row: int) -> bool:
        """As it is measured now; as it was told last where there is no measure."""
        return self._measured[row]() if row in self._measured else self.is_on(row)

    def flags(self) -> int:
        """Of an alert that is made now."""
        flags = 0
        for row, (flag, _, _, _, _) in enumerate(conditions.ROWS):
            if flag and self.holds(row):
                flags |= flag
        return flags

    def sentence(self, area: "str | None" = None) -> "str | None":
        """What a person should hear of first, among all or in one line of the self-test; None if all is well."""
        if self._on:
            for row, (_, _, _, sentence, of) in enumerate(conditions.ROWS):
                if sentence is not None and self.is_on(row) and (area is None or area == of):
                    return sentence or self._sentences[row]
        return None

    @property
    def busy(self) -> bool:
        """Is a gesture undecided? Then nothing is begun that holds up the loop."""
        for each in self.inputs:
            if each.open:
                return True
        return False
