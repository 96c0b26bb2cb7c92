"""Queries that more than one module reads by."""

from sqlalchemy import select

from alertbox.receiver.store.models import alerts, boxes

# As `StoredAlert.from_row` takes them.
ALERTS = select(alerts, boxes.c.name).join(boxes, boxes.c.id == alerts.c.box)
