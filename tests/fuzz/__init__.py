"""Fuzzing of all that reads what comes from outside.

`python -m tests.fuzz --minutes 10` (`make fuzz`) runs every target in turn; what it finds is kept under `kept/`, and is then a red test until it is mended.
"""
