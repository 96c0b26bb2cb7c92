# Runs before main.py. Nothing to do: what main.py needs, it sets up itself, and a
# failure here would leave the box without its application.
