"""One worker process of an app server, as the demo uses it.

It is connected to the relay of its own host, does what it is told on stdin, and tells on stdout what happens to
it, both as one JSON object a line. It ends at the end of stdin.

    {"do": "subscribe", "channels": ["room.7"]}            -> {"type": "reply", "outcome": "OK", ...}
    {"do": "publish", "channel": "room.7", "payloads": [...]} -> {"type": "reply", "outcome": "OK", "receivers": 2}
"""

import asyncio
import dataclasses
import enum
import json
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "proto" / "clients" / "python"))
import hubrelay


def tell(kind, **fields):
    """Writes one line; `at` is the monotonic clock, the same for all processes of a machine."""
    print(json.dumps({"type": kind, "at": time.monotonic(), **fields}, default=plain), flush=True)


def plain(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def fields_of(event):
    """The fields of an event, enum values by their names."""
    values = event._asdict() if isinstance(event, hubrelay.Message) else dataclasses.asdict(event)
    return {name: v.name if isinstance(v, enum.Enum) else v for name, v in values.items()}


async def tell_events(client):
    async for event in client.events:
        tell(type(event).__name__.lower(), **fields_of(event))


async def obey(client, command):
    receivers = 0
    try:
        if command["do"] == "subscribe":
            outcome = await client.subscribe(*command["channels"])
        else:
            # All are on their way before the first reply comes: nobody waits for a reply to send the next one.
            publishes = [client.publish(command["channel"], text.encode()) for text in command["payloads"]]
            receivers = (await asyncio.gather(*publishes))[-1]
            outcome = hubrelay.Outcome.OK
    except hubrelay.HubrelayError as error:
        outcome = error.outcome or type(error)
    tell("reply", outcome=getattr(outcome, "name", str(outcome)), receivers=receivers)


async def main(socket_path, name):
    stdin = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stdin), sys.stdin)
    async with hubrelay.AsyncClient(socket_path, name=name) as client:
        events = asyncio.create_task(tell_events(client))
        async for line in stdin:
            await obey(client, json.loads(line))
        events.cancel()


asyncio.run(main(*sys.argv[1:]))
