"""How the tiny model of `bridge/models/tiny.py` is made; training/README.md tells the steps."""
