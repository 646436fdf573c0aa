"""A chat room over plain TCP: run it several times, on one host or on many, and all of them are one room.

    python3 chat_room.py 7001 &  python3 chat_room.py 7002 &
    nc localhost 7001            # and in another terminal: nc localhost 7002

Each connection listens with a Subscription of its own; the client asks the relay for the room once. A line that is
typed is published, and comes back to everybody in the room, its author included.
"""
import argparse
import asyncio

import hubrelay

ROOM = "room.7"


async def show(subscription, writer):
    """From the room to one connection."""
    async for event in subscription:
        if isinstance(event, hubrelay.Message):
            writer.write(event.payload + b"\n")
        elif isinstance(event, hubrelay.Gap):
            # A real server reads the room's history from its database here, since messages may have been missed.
            writer.write(b"* some messages may be missing here\n")
        await writer.drain()


async def serve(client, reader, writer):
    """One connection, from its first byte to its last."""
    try:
        async with client.listen(ROOM) as subscription:
            showing = asyncio.create_task(show(subscription, writer))
            async for line in reader:
                try:
                    await client.publish(ROOM, line.rstrip(b"\r\n"))
                except hubrelay.Interrupted:
                    writer.write(b"* perhaps not sent\n")
                except hubrelay.HubrelayError as error:
                    writer.write(b"* not sent: %s\n" % str(error).encode())
            showing.cancel()
    except ConnectionError:
        pass  # the other side is gone
    finally:
        writer.close()


async def main(port, path):
    async with hubrelay.AsyncClient(path, name=f"chat-{port}") as client:
        server = await asyncio.start_server(lambda reader, writer: serve(client, reader, writer), "localhost", port)
        async with server:
            print("listening on port", server.sockets[0].getsockname()[1], flush=True)
            await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("port", type=int)
    parser.add_argument("--relay", default="/run/hubrelay/hubrelay.sock", help="the relay's socket")
    arguments = parser.parse_args()
    try:
        asyncio.run(main(arguments.port, arguments.relay))
    except KeyboardInterrupt:
        pass
