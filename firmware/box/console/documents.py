"""The box's documents at the console: settings field by field or whole, and what is put in pieces.

Nothing is stored but a whole document that was found right, and the store reads back what it wrote. It holds from
the next start on. The log hears of paths, never of values.
"""

from binascii import a2b_base64, b2a_base64, crc32

from box.console.lock import patiently
from box.core import config, config_check, rpc
from box.core.access import ENROL, READ, SETTINGS
from box.errors import StorageError
from box.log import Log

_PIECE = 174  # bytes of one read(): as many as a line holds with the largest size, sum and id

_PUT = {"settings": SETTINGS, "enrolment": ENROL, "certificate": 0}  # right by what is put

_log = Log("console")


class Documents:
    """`settings`, `enrolment`: stores with load() and save(document). `show(bytes)`: takes a certificate, async.

    What takes the chip longer than a tenth of a second is done in steps that wait then.
    """

    ROWS = {
        "get": (READ, "s"),
        "set": (SETTINGS, "s*"),
        "default": (SETTINGS, "s"),
        "read": ({"settings": READ}, "su"),
        "put": (_PUT, "susu"),
        "diff": (SETTINGS, ""),
        "commit": (_PUT, "su"),
    }

    def __init__(self, settings, enrolment, show, status):
        self._status = status
        self._settings = settings
        self._enrolment = enrolment
        self._name = ""  # of what is being put
        self._data = bytearray()
        self._export = b""  # what is being read
        self._commits = {
            "settings": self._commit_settings,
            "enrolment": self._commit_enrolment,
            "certificate": show,
        }

    # ---- field by field ----

    async def _patiently(self, steps):
        return await patiently(steps, self._status)

    async def get(self, path: str) -> dict:
        return {"value": config.get(config.redact(await self._patiently(self._settings.load_steps())), path)}

    async def set(self, path: str, value) -> dict:
        """Null in a list's place takes the item out; in a secret's it leaves what is there."""
        return await self._change(path, "set", lambda document: config.put(document, path, value))

    async def default(self, path: str) -> dict:
        return await self._change(path, "set to its default", lambda document: config.reset(document, path))

    async def _change(self, path: str, what: str, change) -> dict:
        held = await self._patiently(self._settings.load_steps())
        document = await self._patiently(_checked(change(held), held))
        await self._patiently(self._settings.store_steps(document))
        _log.info(what, path=path)
        return {}

    def _held(self):
        """The settings as they are; the defaults if they are damaged, so that whole ones can take their place."""
        try:
            return (yield from self._settings.load_steps())
        except StorageError:
            return config.default()

    def _compared(self, data: bytes):
        """(what the bytes hold, right; the paths of what it changes)."""
        document = yield from config.decode_steps(data)
        held = yield from self._held()
        document = yield from _checked(document, held)
        return document, (yield from config.diff_steps(held, document))

    # ---- whole, in pieces ----

    async def read(self, name: str, offset: int) -> dict:
        """Kept from the first piece to the last: to load the settings takes the chip a tenth of a second and more."""
        if offset == 0 or not self._export:
            held = await self._patiently(self._settings.load_steps())
            self._export = config.encode(config.redact(held))
        data = self._export
        if offset + _PIECE >= len(data):
            self._export = b""
        piece = b2a_base64(data[offset : offset + _PIECE]).decode().strip()
        return {"data": piece, "size": len(data), "crc": crc32(data)}

    def put(self, name: str, offset: int, piece: str, checksum: int) -> dict:
        try:
            data = a2b_base64(piece)
        except ValueError:
            data = b""
        if not data or crc32(data) != checksum:
            raise rpc.Refused("checksum", "It did not come over whole: send it again.")
        if offset == 0:
            self._forget()
            self._name = name
        if name != self._name or offset != len(self._data):
            raise rpc.Refused("offset", "Pieces come in order; 0 begins anew.", next=len(self._staged(name)))
        if offset + len(data) > config.LONGEST:
            raise rpc.Refused("too-long", "A document has at most 8192 bytes.")
        self._data += data
        return {"next": len(self._data)}

    async def diff(self) -> dict:
        _, changes = await self._patiently(self._compared(bytes(self._staged("settings"))))
        shown = rpc.fitting(changes, rpc.MOST_RESULT - len('{"changes":,"more":false}'))
        return {"changes": shown, "more": len(shown) < len(changes)}

    async def commit(self, name: str, checksum: int) -> dict:
        data = bytes(self._staged(name))
        self._forget()
        if not data or crc32(data) != checksum:
            raise rpc.Refused("checksum", "It did not come over whole: send it again.")
        result = self._commits[name](data)
        return await result if hasattr(result, "send") else result

    def _staged(self, name: str) -> bytearray:
        return self._data if name == self._name else bytearray()

    def _forget(self) -> None:
        self._name = ""
        self._data = bytearray()

    async def _commit_settings(self, data: bytes) -> dict:
        document, changes = await self._patiently(self._compared(data))
        await self._patiently(self._settings.store_steps(document))
        _log.info("settings stored", changes=len(changes))
        return {"changes": len(changes)}

    def _commit_enrolment(self, data: bytes) -> dict:
        document = config.decode(data)
        self._enrolment.save(document)
        _log.info("enrolled")
        return {"changes": 1}


def _checked(document, held: dict):
    """A right document: checked, with the box's own secrets where it has null."""
    document = config.merge_secrets(document, held)
    yield
    yield from config_check.check_steps(document)
    return document
