"""Who may do what at the console of a closed box.

A technician shows a certificate that the town's key signed, and signs the box's challenge with the key in it. No
secret of the fleet is on the box. Pure: no clock, no randomness; what takes long is a generator, so that a gesture
is read in between.
"""

# A generator's type has a name in the module typing only, which MicroPython has not: generators go without.
# mypy: allow-untyped-defs, allow-incomplete-defs, allow-untyped-calls

from box.core import cbor, cose, p256_verify
from box.core.rpc import Refused, is_uint32

READ, SETTINGS, TEST, RESTART, ENROL, DEVELOP = 1, 2, 4, 8, 16, 32  # the certificate's rights

CHALLENGE_SIZE = 32
CHALLENGE_MS = 60 * 1000
SESSION_MS = 10 * 60 * 1000  # without a request: a pulled cable gives no sign
LONGEST_WAIT_S = 600

_UNLOCK = b"alertbox/unlock/1"
_MOST_NAME = 40


class Technician:
    """What a certificate says: name; key, 65 bytes; until when, Unix seconds; rights as bits."""

    def __init__(self, name: str, public: bytes, expires: int, rights: int):
        self.name = name
        self.public = public
        self.expires = expires
        self.rights = rights


class Access:
    """`box`: its id, 8 bytes; `town`: the public key, 65 bytes, that signs certificates here, b"" for none."""

    def __init__(self, box: bytes, town: bytes, locked: bool):
        self._box = box
        self.town = town
        self.locked = locked
        self._technician: "Technician | None" = None  # whose certificate was shown
        self._session: "Technician | None" = None
        self._session_until_ms = 0
        self._challenge = b""
        self._challenge_until_ms = 0
        self._failures = 0
        self._wait_until_ms = 0

    # ---- what holds now ----

    def session(self, now_ms: int) -> "Technician | None":
        """Who has the closed box open."""
        if now_ms >= self._session_until_ms:
            self._session = None
        return self._session

    def demand(self, right: int, now_ms: int) -> None:
        """Count a request, and raise Refused unless the box is open or the session has this right; 0 is nobody's."""
        session = self.session(now_ms)
        if session:
            self._session_until_ms = now_ms + SESSION_MS
        if self.locked and right and not (session and session.rights & right):
            raise Refused("locked", "The box is locked: unlock it for this.")

    # ---- closing and opening ----

    def lock(self) -> None:
        """Close, and end the session."""
        if not self.town:
            raise Refused("no-town", "This box knows no town key: enrol it.")
        self.locked = True
        self._session = None

    def challenge(self, random: bytes, now_ms: int) -> bytes:
        """Make the challenge for one try within a minute from 32 random bytes; the one before is void."""
        self._check_wait(now_ms)
        self._challenge = random
        self._challenge_until_ms = now_ms + CHALLENGE_MS
        return random

    def show(self, certificate: bytes, utc: "int | None", now_ms: int):
        """Generate: check a certificate, keep and return its Technician."""
        self._check_wait(now_ms)
        if not self.town:
            raise Refused("no-town", "This box knows no town key: enrol it.")
        technician, body, signature = _open(certificate)
        self._check_date(technician, utc)
        covered = cose.signed_part(body, cose.TECHNICIAN_AAD)
        genuine = yield from p256_verify.verify(self.town, covered, signature)
        if not genuine:
            self._failed(now_ms)
            raise Refused("certificate", "The box's town did not sign this certificate.")
        self._technician = technician
        return technician

    def unlock(self, signature: bytes, utc: "int | None", now_ms: int):
        """Generate: check the signature over the challenge; begin and return the session of its Technician."""
        self._check_wait(now_ms)
        technician = self._technician
        if technician is None:
            raise Refused("no-certificate", "Show the technician's certificate first.")
        self._check_date(technician, utc)
        challenge, self._challenge = self._challenge, b""
        if not challenge or now_ms >= self._challenge_until_ms:
            raise Refused("no-challenge", "Ask for a challenge first: it holds a minute.")
        genuine = yield from p256_verify.verify(technician.public, _UNLOCK + self._box + challenge, signature)
        if not genuine:
            self._failed(now_ms)
            raise Refused("signature", "The signature is wrong.")
        self._failures = 0
        self._session = technician
        self._session_until_ms = now_ms + SESSION_MS
        return technician

    # ---- guesses ----

    def _check_wait(self, now_ms: int) -> None:
        left_ms = self._wait_until_ms - now_ms
        if left_ms > 0:
            seconds = (left_ms + 999) // 1000
            raise Refused("wait", "Too many failed tries: wait %d s." % seconds, s=seconds)

    def _failed(self, now_ms: int) -> None:
        self._failures = min(self._failures + 1, 10)
        self._wait_until_ms = now_ms + min(1 << self._failures, LONGEST_WAIT_S) * 1000

    def _check_date(self, technician: Technician, utc: "int | None") -> None:
        # An enrolled box knows a time, at the least that of its enrolment.
        if utc is None or utc > technician.expires:
            raise Refused("expired", "The certificate has expired.")


def _open(certificate: bytes) -> tuple[Technician, bytes, bytes]:
    """What it says, body and signature; each claim is as the contract has it, and there is no other."""
    try:
        body, signature = cose.open_sign1(certificate)
        claims = cbor.decode(body)
    except ValueError:
        claims = None
    if isinstance(claims, dict) and len(claims) == 5:
        version, name, public, expires, rights = [claims.get(key) for key in range(1, 6)]
        if (
            version == 1
            and isinstance(name, str)
            and 0 < len(name) <= _MOST_NAME
            and isinstance(public, bytes)
            and p256_verify.point(public)
            and is_uint32(expires)
            and is_uint32(rights)
        ):
            # is_uint32 saw the last two.
            return Technician(name, public, expires, rights), body, signature  # type: ignore[arg-type]
    raise Refused("certificate", "This is not a technician's certificate.")
