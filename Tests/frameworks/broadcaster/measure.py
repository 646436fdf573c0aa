"""Rows of a table: who recovers when after an outage of Redis, beside broadcaster's own backend."""
import os

import room_outages

if __name__ == "__main__":
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "worker.py")
    room_outages.print_rows(program, "broadcaster: hubrelay", "broadcaster: RedisBackend")
