"""What a prompt holds beside the question, and how much of it a model can read."""
