"""Checks of a client library, by playing relay. ../README.md says how to use it, ../run is the command."""
