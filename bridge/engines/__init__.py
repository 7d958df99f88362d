"""Whatever answers prompts, behind one Protocol."""
