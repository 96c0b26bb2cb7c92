"""`ssl` without TLS: its context lives in the IDF's heap on the chip, and the 32-bit port has none."""

PROTOCOL_TLS_CLIENT = CERT_REQUIRED = 1


class SSLContext:
    def __init__(self, protocol):
        self.verify_mode = protocol

    def load_verify_locations(self, cadata):
        pass
