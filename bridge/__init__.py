"""Batches of coding prompts on a free GPU, with a notebook as the database."""
