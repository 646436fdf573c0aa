"""The quickstart's story: two hosts, three app servers, one Redis that goes away for two seconds.

    python3 demo.py path/to/hubrelay [--keep]

Every step waits for what it expects, checks it, and prints what that proves. Exit code 0: everything held.
In reading order: story.py, the steps; appserver.py and worker.py, an app server from outside and from inside;
processes.py, Redis and the relays.
"""

import argparse
import asyncio
import pathlib
import shutil
import signal
import sys
import tempfile
import time

from processes import Stuck
from story import Demo


PATIENCE = 150  # seconds for the whole story; it takes about five


def say_how_to_talk(demo, binary):
    a, b, redis = demo.a, demo.b, demo.redis
    print(f"""
Redis and both relays keep running. Talk to them from any shell:

    {binary} subscribe room.7 --socket {a.socket}
    {binary} publish room.7 'hello' --socket {b.socket}
    {binary} health --http unix:{a.http}
    curl --unix-socket {a.http} http://localhost/metrics
    redis-cli -p {redis.port} publish demo:room.7 'from any Redis client'

Their logs are in {demo.directory}. Stop them and clean up:

    kill {a.pid} {b.pid} {redis.pid}; rm -rf {demo.directory}
""")


def show_logs(demo):
    for daemon in (demo.redis, *demo.relays):
        if daemon.log.exists():
            lines = daemon.log.read_text(errors="replace").splitlines()[-15:]
            print(f"\n{daemon.name} logged last:", *lines, sep="\n    ")


async def tell(demo, keep):
    """Tells the story. Whatever happens in it, nothing is left running, except when all held and `keep` is set."""
    story, kept = demo.story, False
    try:
        await asyncio.wait_for(demo.run(), PATIENCE)
        if keep and not story.failed:
            await asyncio.gather(*(server.stop() for server in demo.servers))
            kept = True
        else:
            await demo.shut_down()
    except (Stuck, OSError) as problem:
        story.check(False, str(problem))
    except asyncio.TimeoutError:
        story.check(False, f"the story did not end within {PATIENCE} seconds")
    finally:
        if not kept:
            await demo.end_all()
    return kept


def cancel_on_signals(task):
    """The first signal ends the story, and everything with it; another one does not interrupt the cleaning up."""
    loop, numbers = asyncio.get_running_loop(), (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def cancel():
        for number in numbers:
            loop.add_signal_handler(number, lambda: None)
        task.cancel()

    for number in numbers:
        loop.add_signal_handler(number, cancel)


async def main(binary, keep):
    cancel_on_signals(asyncio.current_task())
    begin, kept = time.monotonic(), False
    # Not $TMPDIR, which may be long: the path of a Unix socket has at most 107 bytes.
    directory = pathlib.Path(tempfile.mkdtemp(prefix="hubrelay-demo.", dir="/tmp"))
    try:
        demo = Demo(binary, directory)
        kept = await tell(demo, keep)
        if demo.story.failed:
            show_logs(demo)
        print(f"\n{demo.story.held} held, {demo.story.failed} failed, in {time.monotonic() - begin:.1f} seconds.")
        if kept:
            say_how_to_talk(demo, binary)
        return 1 if demo.story.failed else 0
    except asyncio.CancelledError:
        print("\nquickstart: interrupted; all that it had started has ended", file=sys.stderr)
        return 130
    finally:
        if not kept:
            shutil.rmtree(directory)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", type=pathlib.Path, help="the hubrelay executable")
    parser.add_argument("--keep", action="store_true", help="leave Redis and the relays running")
    arguments = parser.parse_args()
    sys.exit(asyncio.run(main(arguments.binary.resolve(), arguments.keep)))
