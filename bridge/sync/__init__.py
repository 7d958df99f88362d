"""A queue in a folder and its copy on Drive, kept in sync."""
