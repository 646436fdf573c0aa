"""Upstream's tests for all adapters, on three servers and two relays: `upstream.py CHECKOUT`."""
import os
import pathlib
import subprocess
import sys

from servers import Fleet

FOLDER = pathlib.Path(__file__).resolve().parent

if __name__ == "__main__":
    checkout = pathlib.Path(sys.argv[1])
    with Fleet(2) as fleet:
        environment = {**os.environ, "UPSTREAM": str(checkout), "NODE_PATH": str(checkout / "node_modules"),
                       "RELAYS": ":".join(relay.path for relay in fleet.relays)}
        mocha = subprocess.run(
            ["node", str(checkout / "node_modules/mocha/bin/mocha.js"), "--exit", "--require", "ts-node/register",
             str(FOLDER / "upstream.js")], cwd=checkout, env=environment, check=False)
    sys.exit(mocha.returncode)
