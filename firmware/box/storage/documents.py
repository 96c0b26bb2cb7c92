"""What provisioning and enrolment put on the box, each a checked document in two slots.

The slots come as arguments (`slots.Slots("/data/settings")`, `slots.Slots("/data/enrolment")`). Nothing parsed is kept
here: who needs a field all the time takes it out.
"""

import json
import os
from binascii import unhexlify
from errno import ENOENT

from box.core import config, config_check, strict_json
from box.core.steps import finish
from box.errors import StorageError
from box.log import Log

_log = Log("settings")


class _Store:
    """A document in `slots` that `check` passes; it is one of core/config_check.py's, in steps."""

    def __init__(self, slots, check):
        self._slots = slots
        self._check = check

    def document(self) -> "dict | None":
        """The newest stored document that passes, of this version; None if nothing was ever stored.

        Raises StorageError if there is none that can be used.
        """
        return finish(self.document_steps())

    def document_steps(self):
        found = self._slots.read()
        yield
        for payload in found:
            try:
                # The box wrote it, and its checksum is right: the C reader, which forgives, is a hundred times as fast.
                document = config.migrate(json.loads(payload))
                yield
                yield from self._check(document)
                return document
            except ValueError as error:
                _log.warning("a stored document does not pass", reason=error)
        if found:
            raise StorageError("nothing that is stored can be used; provision this box again")
        return None

    def save(self, document: dict) -> None:
        """Check, write and read back. Raises ConfigError, or StorageError; what was stored then still counts."""
        finish(self._check(document))
        self._slots.store(config.encode(document))

    def erase(self) -> None:
        self._slots.erase()


class Settings(_Store):
    def __init__(self, slots):
        super().__init__(slots, config_check.check_steps)

    def load(self) -> dict:
        """The settings, sparse; the defaults if none were stored. Raises StorageError if they cannot be used."""
        return finish(self.load_steps())

    def load_steps(self):
        return (yield from self.document_steps()) or config.default()

    def store_steps(self, document: dict):
        """Write a right document, that was made of what `load_steps` gave, and read it back, as `save` does."""
        yield from self._slots.store_steps(config.encode(document))


class Enrolment:
    """user, password: at the broker; secret: 32 bytes; issued: Unix seconds; ca: DER; town: 65 bytes or None."""

    def __init__(self, document: dict):
        self.issued = document["issued"]
        self.user = document["user"]
        self.password = document["password"]
        self.secret = unhexlify(document["secret"])
        self.ca = unhexlify(document["ca"])
        self.town = unhexlify(document.get("town", "")) or None


class EnrolmentStore(_Store):
    def __init__(self, slots):
        super().__init__(slots, config_check.check_enrolment_steps)

    def load(self) -> "Enrolment | None":
        """The enrolment; None if this box has none. Raises StorageError if it cannot be used."""
        document = self.document()
        return None if document is None else Enrolment(document)


def take_over(settings: Settings, enrolment: EnrolmentStore, folder: str = "/") -> None:
    """Put version 1's files in `folder`, if there are any, into the stores, and remove them; at boot, before all else.

    The old files go last: after a power cut all of it happens again. Raises StorageError if they cannot be used.
    """
    old = (folder + "enrolment.json", folder + "ca.der")
    account = _read(old[0])
    if account is not None and enrolment.document() is None:
        try:
            there, login = config.from_version_1(strict_json.loads(account), _read(old[1]) or b"")
            if settings.document() is None:
                settings.save(there)
            enrolment.save(login)
        except ValueError as error:
            raise StorageError("the enrolment of version 1 cannot be used, enrol this box again: %s" % error)
        _log.info("took over the enrolment of version 1")
    for path in old:
        try:
            os.remove(path)
        except OSError as error:
            if error.errno != ENOENT:
                raise StorageError("%s cannot be removed: %s" % (path, error))


def _read(path: str) -> "bytes | None":
    """A file; None if there is none."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        if error.errno == ENOENT:
            return None
        raise StorageError("%s cannot be read: %s" % (path, error))
