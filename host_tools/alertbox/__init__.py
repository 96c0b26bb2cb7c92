"""Host tools for the Alertbox distress kit."""

__version__ = "0.1.0"
