"""A virtual bip: BTHome v2 packets, sealed as a Shelly BLU button seals them."""

from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from alertbox.box.labels import BipLabel

_PRESS, _DOUBLE, _HOLD = 0x01, 0x02, 0x80
_FLAGS = bytes.fromhex("020106")
_UUID = bytes.fromhex("d2fc")
_INFO = bytes([0x45])  # version 2, sent when something happens, sealed
_MIC_BYTES = 4
_SERVICE_DATA = 0x16
_PACKET_ID, _BATTERY, _BUTTON = 0x00, 0x01, 0x3A


class VirtualBip:
    """A bip with address `mac` (12 hex digits) and `key` (32).

    What it sends is a payload for `VirtualBox.advertise(bip.mac, payload)`; each counts one up from `counter`.
    """

    def __init__(self, mac: str, key: str, counter: int = 0, battery: int = 90, name: str = "Bip") -> None:
        self.mac = mac
        self.key = key
        self.counter = counter
        self.battery = battery
        self.name = name

    @classmethod
    def from_label(cls, text: str, counter: int = 0) -> "VirtualBip":
        label = BipLabel.parse(text)
        return cls(label.mac, label.key, counter, name=label.name)

    @property
    def label(self) -> str:
        """The text of its QR code."""
        return f"BIP:{self.mac};{self.key};{self.name}"

    def press(self) -> bytes:
        return self._button(_PRESS)

    def double(self) -> bytes:
        return self._button(_DOUBLE)

    def hold(self) -> bytes:
        return self._button(_HOLD)

    def presence(self) -> bytes:
        """It says no more than that it is there."""
        return self._sealed(b"")

    def _button(self, event: int) -> bytes:
        return self._sealed(bytes([_BUTTON, event]))

    def _sealed(self, objects: bytes) -> bytes:
        self.counter += 1
        objects = bytes([_PACKET_ID, self.counter & 0xFF, _BATTERY, self.battery]) + objects
        counter = self.counter.to_bytes(4, "little")
        nonce = bytes.fromhex(self.mac) + _UUID + _INFO + counter
        sealed = AESCCM(bytes.fromhex(self.key), tag_length=_MIC_BYTES).encrypt(nonce, objects, None)
        data = _UUID + _INFO + sealed[:-_MIC_BYTES] + counter + sealed[-_MIC_BYTES:]
        return _FLAGS + bytes([len(data) + 1, _SERVICE_DATA]) + data
