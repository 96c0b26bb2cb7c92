"""`python -m alertbox` is `alertbox`."""

from alertbox.cli import main

main()
