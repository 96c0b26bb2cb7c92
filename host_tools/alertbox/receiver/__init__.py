"""The receiver: verifies, stores and acknowledges alerts, and hands them on. README.md shows the way of the data."""

from alertbox.receiver.accounts import Accounts
from alertbox.receiver.app import Receiver
from alertbox.receiver.store.records import BoxState, Refusal, StoredAlert
from alertbox.receiver.thread import ReceiverThread

__all__ = ["Accounts", "BoxState", "Receiver", "ReceiverThread", "Refusal", "StoredAlert"]
