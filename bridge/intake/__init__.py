"""From what a caller gives to jobs: prompts, batches, and what must not get in."""
