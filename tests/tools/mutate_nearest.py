"""Which tests are the nearest of each module: those that `make mutate` asks whether they notice a change."""

from typing import NamedTuple


class Row(NamedTuple):
    """Modules that are changed in one run, and the tests that are to notice: names below tests/, without `.py`."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]


def _unit(modules: str, tests: str) -> Row:
    return Row(tuple(modules.split()), tuple(f"unit/test_{test}" for test in tests.split()))


def _host(modules: str, tests: str) -> Row:
    return Row(tuple(modules.split()), tuple(f"host/test_{test}" for test in tests.split()))


# Each module of these is in a row; others may be.
FOLDERS = ("alerts", "bips", "core", "storage")

NEAREST = (
    _unit("alerts/heartbeat alerts/idle", "idle"),
    _unit("alerts/issuer", "issuer"),
    _unit("alerts/outbox", "outbox_senders"),
    _unit("bips/pairing bips/registry", "bip_registry"),
    _unit("clock", "clock"),
    _unit("core/access", "access"),
    _unit("core/alert", "alert"),
    _unit("core/battery core/levels", "levels"),
    _unit("core/bip core/bip_faults core/bip_frame core/bip_guard", "bip_guard"),
    _unit("core/bip_gesture", "bip_gesture"),
    _unit("core/bip_learning", "bip_learning"),
    _unit("core/bthome", "bthome"),
    _unit("core/cbor", "cbor"),
    _unit("core/ccm", "ccm"),
    _unit("core/commissioning", "methods"),
    _unit("core/config core/config_check core/config_schema core/strict_json", "config"),
    _unit("core/cose", "cose"),
    _unit("core/debounce", "debounce bad_contact woken_button"),
    _unit("core/dns", "dns"),
    _unit("core/gesture", "gesture bad_contact woken_button"),
    _unit("core/hours", "hours"),
    _unit("core/incident", "incident"),
    _unit("core/jamming", "jamming"),
    _unit("core/mac", "mac"),
    _unit("core/mqtt", "mqtt_packets"),
    _unit("core/outbox", "outbox"),
    _unit("core/p256", "p256"),
    _unit("core/p256_verify", "p256_verify"),
    _unit("core/path", "path"),
    _unit("core/policy", "policy"),
    _unit("core/rpc", "rpc"),
    _unit("core/signer", "signer"),
    _unit("core/signs core/siren", "signs"),
    _unit("core/steps", "slots"),
    _unit("core/utf8", "utf8"),
    _unit("parts", "parts"),
    _unit("power", "power"),
    _unit("status", "status"),
    _unit("storage/bip_counters", "bip_counters"),
    _unit("storage/documents", "upgrade"),
    _unit("storage/events", "events"),
    _unit("storage/folder_flash", "folder_flash"),
    _unit("storage/identity", "identity"),
    _unit("storage/journal", "journal journal_queue"),
    _unit("storage/plan", "plan"),
    _unit("storage/ring", "ring"),
    _unit("storage/slots", "slots"),
    _unit("wiring/flash", "stored"),
    _host("receiver/intake", "intake"),
    _host("receiver/pipeline", "pipeline"),
)
