"""Real faults under load, and a ledger of every message. ../FAULTS.md says how to use it, ../faults is the command."""
