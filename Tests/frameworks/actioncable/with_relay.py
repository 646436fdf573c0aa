"""Runs a command with a relay and a Redis of its own: RELAY and REDIS are the paths of their sockets."""
import os
import subprocess
import sys

from servers import Fleet

with Fleet(1) as fleet:
    environment = {**os.environ, "RELAY": fleet.relays[0].path, "REDIS": fleet.redis.path}
    sys.exit(subprocess.run(sys.argv[1:], env=environment, check=False).returncode)
