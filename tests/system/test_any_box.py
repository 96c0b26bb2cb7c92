"""What any box shows at its cable, be it virtual or a board: `pytest tests/system --box=serial:PORT`."""

import hashlib

import pytest
from alertbox.box.session import BoxConsole
from world import World


def restarted(world: World) -> tuple[dict[str, str], int]:
    """What the box says of itself on its way, and the number of the boot."""
    mark = len(world.log)
    world.restart()
    identity = world.wait_log("app", "identity", since=mark)
    return identity.fields, int(world.wait_log("app", "armed", since=mark).fields["boot"])


@pytest.mark.needs("restart")
def test_a_restarted_box_tells_who_it_is_and_arms_and_counts_its_boots(world: World):
    identity, boot = restarted(world)
    assert len(bytes.fromhex(identity["public"])) == 65
    assert hashlib.sha256(bytes.fromhex(identity["public"])).hexdigest().startswith(identity["box"])
    assert restarted(world) == (identity, boot + 1)


@pytest.mark.needs("restart", "serial")
def test_the_console_tells_the_identity_and_the_boot_that_the_log_told(world: World):
    identity, boot = restarted(world)
    with BoxConsole(world.serial) as console:
        assert (console.identity["box"], console.identity["public"]) == (identity["box"], identity["public"])
        assert console.call("status")["boot"] == boot
