"""Small faults that are put into a copy of the sources, to see that tests fail."""
