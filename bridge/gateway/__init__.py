"""The gateway: any client of OpenAI's, Anthropic's or Ollama's API, live or through the queue."""

from bridge.gateway.app import app as app
