"""Names by which box, receiver and laptop find each other."""

import re
from ipaddress import ip_address

from alertbox.errors import UserError

_LABEL = "[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_DNS_NAME = re.compile(rf"(?=.{{1,253}}$)({_LABEL}\.)*{_LABEL}")


def check_host(name: str) -> None:
    """UserError if it is neither a DNS name nor an IP address."""
    try:
        ip_address(name)
    except ValueError:
        if not _DNS_NAME.fullmatch(name):
            raise UserError("bad-name", name=name) from None
