"""The unattended worker: claims jobs, has an engine answer them in lanes, and publishes the results."""
