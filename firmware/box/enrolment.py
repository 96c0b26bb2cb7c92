"""What enrolment put on the box: the receiver, its CA, the per-box secret.

Two files, so that the certificate stays in the form that TLS takes. They are
read once at boot; a damaged file leaves the box armed and unenrolled.
"""

import json
from errno import ENOENT

from box.errors import StorageError

FILE = "/enrolment.json"
CA_FILE = "/ca.der"

_TEXTS = ("host", "server_name", "user", "password", "secret")


class Enrolment:
    """host, port, server_name, user, password: the MQTT broker; secret: 32 bytes;
    issued: Unix seconds; wifi: (ssid, key); siren: whether the site's risk form allows it."""

    def __init__(self, fields: dict, ca: bytes):
        for name in _TEXTS:
            if not isinstance(fields.get(name), str) or not fields[name]:
                raise ValueError("%s is missing or not a text" % name)
        if not isinstance(fields.get("port"), int):
            raise ValueError("port is missing or not a number")
        if not ca:
            raise ValueError("the CA certificate is empty")
        self.host = fields["host"]
        self.port = fields["port"]
        self.server_name = fields["server_name"]
        self.user = fields["user"]
        self.password = fields["password"]
        self.secret = bytes.fromhex(fields["secret"])
        self.issued = fields["issued"]
        if not isinstance(self.issued, int) or not 0 <= self.issued < 1 << 32:
            raise ValueError("issued is no time")
        ssid, key = fields["wifi"]
        if not ssid:
            raise ValueError("the name of the Wi-Fi is missing")
        self.wifi = (ssid, key)
        self.siren = fields.get("siren") is True
        self.ca = ca


def load() -> "Enrolment | None":
    """The enrolment; None if the box has none; StorageError if it cannot be used."""
    try:
        with open(FILE) as file:
            text = file.read()
    except OSError as error:
        if error.errno == ENOENT:
            return None
        raise StorageError("the enrolment cannot be read: %s" % error)
    try:
        with open(CA_FILE, "rb") as file:
            ca = file.read()
        return Enrolment(json.loads(text), ca)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StorageError("the enrolment is damaged, enrol this box again: %s" % error)  # noqa: B904
