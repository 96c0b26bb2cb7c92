"""A small certificate authority of the town's own, for the broker that the boxes connect to.

P-256 throughout. Certificates are dated a day back: a box compares their dates
with its own clock, which may be slow.
"""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CA_LIFE = timedelta(days=20 * 365)  # a box keeps its CA for life
SERVER_LIFE = timedelta(days=730)
_DATED_BACK = timedelta(days=1)
# The receiver itself comes in over the loopback, whatever the boxes call this machine.
ALWAYS = ("localhost", "127.0.0.1", "::1")


class Authority:
    """A CA key and its certificate."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        self.key = key
        self.certificate = certificate

    @classmethod
    def create(cls) -> "Authority":
        key = ec.generate_private_key(ec.SECP256R1())
        start = datetime.now(UTC) - _DATED_BACK
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Alertbox town CA")])
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        certificate = (
            _builder(name, name, key.public_key(), start, start + CA_LIFE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        return cls(key, certificate)

    @classmethod
    def load(cls, key: bytes, certificate: bytes) -> "Authority":
        """From PEM; ValueError if it is damaged or no P-256 key."""
        private = serialization.load_pem_private_key(key, password=None)
        if not isinstance(private, ec.EllipticCurvePrivateKey):
            raise ValueError("the authority's key is no elliptic-curve key")
        return cls(private, x509.load_pem_x509_certificate(certificate))

    def issue(
        self, names: list[str], *, start: datetime | None = None, life: timedelta = SERVER_LIFE
    ) -> tuple[bytes, bytes]:
        """A server key and certificate (PEM) for DNS names and IP addresses; ValueError for what is neither."""
        key = ec.generate_private_key(ec.SECP256R1())
        start = start or datetime.now(UTC) - _DATED_BACK
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
        usage = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
        alternatives = [_general_name(name) for name in dict.fromkeys([*names, *ALWAYS])]
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        certificate = (
            _builder(subject, self.certificate.subject, key.public_key(), start, start + life)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .add_extension(issuer, critical=False)
            .sign(self.key, hashes.SHA256())
        )
        return key_pem(key), certificate.public_bytes(serialization.Encoding.PEM)


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, start: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
