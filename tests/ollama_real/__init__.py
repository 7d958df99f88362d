"""The same against a real Ollama, built from its source for this machine: `make ollama`, then `make test-ollama`."""
