"""System level: engines, surrogates, torch layers, the loop, and the command line."""

__version__ = "0.1.0"
