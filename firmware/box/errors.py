"""The box's own errors.

Low code lets OSError out; the border that knows what was being done turns it
into one of these. The text is one sentence for a person: what is wrong and
what to do next.
"""


class AlertBoxError(Exception):
    """Base of everything the box raises on purpose."""


class TransportError(AlertBoxError):
    """A path to the receiver failed; the outbox decides on a retry."""


class StorageError(AlertBoxError):
    """Flash cannot be read or written as it must be."""


class JournalFull(StorageError):
    """Every slot holds an undelivered press."""
