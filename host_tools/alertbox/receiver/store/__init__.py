"""The receiver's database: its tables, and everything that reads or writes them."""
