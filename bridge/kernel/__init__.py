"""What runs inside a notebook kernel: standard library, `requests` and IPython, and nothing else of this package.

The runtime cell of the queue notebook is these files joined, so each must read well on its own.
"""
