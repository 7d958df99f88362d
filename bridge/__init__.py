"""Qwen Bridge: batches of coding prompts on a free GPU, with a notebook as the database."""

from bridge.api import Bridge, JobView, Status
from bridge.errors import BridgeError
from bridge.job import NewJob, Options, Result, State
from bridge.notebook.enqueue import Added
from bridge.notebook.query import JobLine

__version__ = "0.1.0"

__all__ = [
    "Added",
    "Bridge",
    "BridgeError",
    "JobLine",
    "JobView",
    "NewJob",
    "Options",
    "Result",
    "State",
    "Status",
]
