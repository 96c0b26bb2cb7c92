"""Start the box. Wiring only; see box/app.py."""

from box.app import main

main()
