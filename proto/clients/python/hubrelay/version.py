"""The version of this package, by SemVer."""
__version__ = "0.1.0"
