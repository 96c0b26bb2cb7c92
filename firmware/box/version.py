"""What this application is; the only figures a release changes."""

VERSION = "0.1.0"

# Unix seconds. A box without any other notion of time starts its clock here,
# so that TLS, which checks certificate dates, has a chance.
BUILT = 1795219200
