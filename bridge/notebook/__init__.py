"""The queue notebook: its text, its cells, its versions."""
