"""The ground: values and rules of a job, errors, events, text, with no I/O of their own."""
