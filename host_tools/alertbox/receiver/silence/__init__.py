"""Boxes that fall silent: who is unreachable or overdue, and which presses were followed by silence."""
