"""The receiver: verifies, stores, acknowledges and dispatches alerts.

The folder shows the way of the data: link (MQTT in) -> intake (verify) ->
store (commit) -> acknowledgement out. `app` ties them together, `thread` runs
that beside code that is not asynchronous, `broker` is the embedded MQTT broker.
"""

from alertbox.receiver.app import Receiver
from alertbox.receiver.store.records import BoxState, Refusal, StoredAlert
from alertbox.receiver.thread import ReceiverThread

__all__ = ["BoxState", "Receiver", "ReceiverThread", "Refusal", "StoredAlert"]
