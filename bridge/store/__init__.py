"""The queue on this machine: the journal, what is taken in from the notebooks, and what commands do."""
