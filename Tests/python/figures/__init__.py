"""The parts of Tests/figures."""
