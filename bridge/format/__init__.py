"""The notebook format: JSON to values and back, merge, order, template, schema. Pure but for reading our own source."""
