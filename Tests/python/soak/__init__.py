"""The parts of Tests/soak: a ledger of every id and every message, the apps that fill it, and the faults."""
