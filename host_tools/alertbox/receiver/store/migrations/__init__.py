"""Changes of the receiver's tables, run by alembic at start-up."""
