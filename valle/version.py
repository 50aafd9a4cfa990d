"""The version of this code: of the package, of every record that it writes."""
__version__ = "0.13.0"
