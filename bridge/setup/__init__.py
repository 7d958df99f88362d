"""A queue made, refreshed, examined; the demo; the wheel; the steps of the Colab set-up notebook."""
