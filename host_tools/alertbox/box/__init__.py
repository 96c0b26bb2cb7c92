"""A box at the cable: its port, a session with its console, and what it answers as rows."""
