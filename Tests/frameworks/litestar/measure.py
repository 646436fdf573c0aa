"""Rows of a table: who recovers when after an outage of Redis, beside Litestar's own backend. What is published goes by
`ChannelsPlugin.publish`, as in Litestar's documentation."""
import os

import room_outages

if __name__ == "__main__":
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "worker.py")
    room_outages.print_rows(program, "Litestar: hubrelay", "Litestar: RedisChannelsPubSubBackend", wait=0)
