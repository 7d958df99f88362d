"""How the tiny model of `bridge/engines/tiny.py` is made; training/README.md tells the steps."""
