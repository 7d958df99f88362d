"""`papermill --engine qwen-bridge`."""
