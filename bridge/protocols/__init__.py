"""Other people's wires as core values and back, pure: nothing here knows an engine, a queue or a socket."""
