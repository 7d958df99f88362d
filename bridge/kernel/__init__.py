"""What runs inside a notebook kernel: standard library and IPython (in magic.py alone), and nothing else of this package.

The runtime cell of the queue notebook is these files joined, so each must read well on its own.
"""
