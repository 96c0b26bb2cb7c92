"""What goes out of the receiver."""
