"""A chat server for nc or telnet, of which any number may run, on any number of hosts, beside one relay each:

    python3 chat_room.py --relay /tmp/chat.sock --listen 127.0.0.1:7001
    nc 127.0.0.1 7001

The first line that is typed is the name of a room, the others are said there. Each guest listens with a Subscription of
their own; the client asks the relay for each room once.
"""
import argparse
import asyncio

import hubrelay


async def deliver(room, writer):
    """From a room to one guest. A guest who does not read gets a Loss, and disturbs nobody."""
    async for event in room:
        if isinstance(event, hubrelay.Message):
            writer.write(event.payload + b"\n")
        elif isinstance(event, hubrelay.Gap):
            # A real server reads the room's history from its database here.
            writer.write(b"* something may be missing here\n")
        elif isinstance(event, hubrelay.Loss):
            writer.write(b"* %d messages are missing here\n" % event.messages)
        elif isinstance(event, hubrelay.Revoked):
            writer.write(b"* this room is closed: %s\n" % event.detail.encode())
        await writer.drain()


async def host(client, reader, writer):
    """One guest, from the first byte to the last."""
    try:
        name = (await reader.readline()).rstrip(b"\r\n")
        channel = "room." + name.decode(errors="surrogateescape")
        async with client.listen(channel) as room:
            delivering = asyncio.create_task(deliver(room, writer))
            async for line in reader:
                try:
                    await client.publish(channel, line.rstrip(b"\r\n"))
                except hubrelay.Interrupted:
                    writer.write(b"* that may have been said, or not\n")
                except hubrelay.HubrelayError as error:
                    writer.write(b"* that was not said: %s\n" % str(error).encode())
            delivering.cancel()
    except hubrelay.HubrelayError as error:
        writer.write(b"* %s\n" % str(error).encode())
    except ConnectionError:
        pass  # the guest is gone
    finally:
        writer.close()


async def main(relay, address):
    name, _, port = address.rpartition(":")
    async with hubrelay.AsyncClient(relay, name="chat-room") as client:
        server = await asyncio.start_server(lambda reader, writer: host(client, reader, writer), name, int(port))
        async with server:
            print("listening on {}:{}".format(*server.sockets[0].getsockname()[:2]), flush=True)
            await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--relay", default="/run/hubrelay/hubrelay.sock", help="the relay's socket")
    parser.add_argument("--listen", default="127.0.0.1:7001", help="address for guests")
    arguments = parser.parse_args()
    try:
        asyncio.run(main(arguments.relay, arguments.listen))
    except KeyboardInterrupt:
        pass
