"""The router: which target answers a request, what happens when it says no, and what it cost."""
