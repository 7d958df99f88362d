"""The notebook as a database: format, merge, journal and store."""
