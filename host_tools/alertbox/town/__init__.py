"""A town's folder: its authority, its technicians, and the invites by which boxes join it."""

from alertbox.town.folder import Town

__all__ = ["Town"]
