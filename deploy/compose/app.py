"""An app server with rooms: what is posted to a room at one server is heard by those who listen to it at any other.

    GET  /              who this is, and what the relay says of the path through Redis, as JSON
    POST /rooms/NAME    publishes the body to the room
    GET  /rooms/NAME    the room from now on, one line for each event, without end

WORKER is its name, HUBRELAY_SOCKET the relay's socket, PORT where it listens (8080).
"""
import asyncio
import json
import os
import signal

import hubrelay

WORKER = os.environ.get("WORKER", "worker")
LARGEST_BODY = 64 * 1024


async def serve(client, reader, writer):
    """One request, after which the connection is closed."""
    try:
        head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        room = path.removeprefix("/rooms/") if path.startswith("/rooms/") else None
        if path == "/":
            status = client.status
            answer(writer, "200 OK", {"worker": WORKER, "state": status.state.name, "connected": status.connected})
        elif room and method == "POST":
            size = int(headers.get("content-length", "0"))
            if not 0 <= size <= LARGEST_BODY:
                answer(writer, "413 Content Too Large", {"error": f"at most {LARGEST_BODY} bytes"})
            else:
                await publish(client, room, await asyncio.wait_for(reader.readexactly(size), 10), writer)
        elif room and method == "GET":
            await listen(client, room, reader, writer)
        else:
            answer(writer, "404 Not Found", {"error": "GET /, POST /rooms/NAME or GET /rooms/NAME"})
        await writer.drain()
    except (ValueError, OSError, EOFError, asyncio.LimitOverrunError, asyncio.TimeoutError):
        pass  # it has gone, or does not speak HTTP
    finally:
        writer.close()


def answer(writer, status, body):
    text = json.dumps(body).encode() + b"\n"
    writer.write(f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n"
                 "Connection: close\r\n\r\n".encode() + text)


async def publish(client, room, payload, writer):
    try:
        receivers = await client.publish(f"room.{room}", payload)
        answer(writer, "200 OK", {"receivers": receivers})  # relays, and not the workers behind them
    except hubrelay.HubrelayError as error:
        answer(writer, "503 Service Unavailable", {"error": type(error).__name__, "detail": str(error)})


async def listen(client, room, reader, writer):
    """Ends when whoever asked has gone."""
    async def tell():
        async with client.listen(f"room.{room}") as subscription:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nConnection: close\r\n\r\n"
                         + line(worker=WORKER, listens=room))
            async for event in subscription:
                if isinstance(event, hubrelay.Message):
                    writer.write(line(message=event.payload.decode(errors="replace")))
                else:
                    writer.write(line(event=type(event).__name__))  # a Gap: read again what must not be missed
                await writer.drain()

    telling, gone = asyncio.create_task(tell()), asyncio.create_task(reader.read())
    try:
        await asyncio.wait({telling, gone}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        telling.cancel()
        gone.cancel()
        await asyncio.gather(telling, gone, return_exceptions=True)


def line(**fields):
    return json.dumps(fields).encode() + b"\n"


async def main():
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with hubrelay.AsyncClient(os.environ["HUBRELAY_SOCKET"], name=WORKER) as client:
        client.connect()
        server = await asyncio.start_server(lambda *streams: serve(client, *streams), "0.0.0.0",
                                            int(os.environ.get("PORT", "8080")))
        print(f"{WORKER} listens", flush=True)
        await stopped.wait()
        server.close()


asyncio.run(main())
