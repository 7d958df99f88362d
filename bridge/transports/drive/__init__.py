"""Google Drive: signing in, the calls of its API, and a queue's folder over them. Needs the extra `[drive]`."""
