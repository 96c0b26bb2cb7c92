"""What the receiver needs of a town. `alertbox.town` has a folder that does it; the receiver does not import that."""

import ssl
from pathlib import Path
from typing import Protocol


class Town(Protocol):
    """`names` are those of the broker's certificate, the first the one that boxes check."""

    @property
    def path(self) -> Path:
        """A folder of this machine for files beside the database."""
        ...

    @property
    def database(self) -> Path: ...

    @property
    def names(self) -> list[str]: ...

    @property
    def certified_names(self) -> list[str]:
        """`names` and the loopback's."""
        ...

    @property
    def ca_certificate(self) -> Path:
        """PEM."""
        ...

    def ca_der(self) -> bytes:
        """The authority's certificate in the form that the box's TLS takes."""
        ...

    def server_context(self) -> ssl.SSLContext:
        """TLS of the receiver's own doors."""
        ...

    def technicians_public(self) -> bytes:
        """The key by which boxes know the town's technicians: 65 bytes."""
        ...
