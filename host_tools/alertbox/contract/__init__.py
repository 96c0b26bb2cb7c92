"""What box and host agreed on, read and written from this side: the alert, the console's RPC, the settings."""
