"""What goes out of the receiver: the outbox, and a file for each way out."""
