"""How a queue's files are listed, read and written, wherever they lie."""
