"""The version of the program, stored with every trial."""

__version__ = "0.1.0"
