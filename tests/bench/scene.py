"""What several benchmarks start from."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alertbox.town import Town


@contextmanager
def temporary_town() -> Iterator[Town]:
    with tempfile.TemporaryDirectory(prefix="alertbox-bench-") as folder:
        yield Town.create(Path(folder) / "town")
