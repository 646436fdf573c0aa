"""A chat with rooms, for any number of servers: `uvicorn server:app`, with the settings below in the environment.

What is said is stored first, and told to everyone then. (1) to (4) are what hubrelay has to do with it.
"""
import os
import pathlib
from typing import Any, Optional

import hubrelay
import socketio
from history import History, Row
from hubrelay.socketio import AsyncHubrelayManager

HOST = os.environ["CHAT_HOST"]  # the name of this host, for the page to show
FILES = pathlib.Path(__file__).parent

history = History(os.environ["CHAT_DATABASE"])

# (1) The relay on this host carries what is emitted here to the other servers, and what is emitted there to here.
manager = AsyncHubrelayManager(os.environ["CHAT_RELAY"], raise_errors=True)
sio = socketio.AsyncServer(async_mode="asgi", client_manager=manager)

app = socketio.ASGIApp(sio, static_files={
    "/": {"filename": str(FILES / "page.html"), "content_type": "text/html; charset=utf-8"},
    "/page.css": {"filename": str(FILES / "page.css"), "content_type": "text/css; charset=utf-8"},
    "/page.js": {"filename": str(FILES / "page.js"), "content_type": "text/javascript; charset=utf-8"},
    "/socket.io.min.js": {"filename": os.environ["CHAT_SOCKET_IO"], "content_type": "text/javascript; charset=utf-8"},
})

unheard: set[str] = set()  # rooms whose newest message is stored, but may not have reached everyone


def why_not() -> Optional[str]:
    """Why nothing can be sent to the other servers at present, for the user to read; None if it can."""
    status = manager.status
    if status.publishing:
        return None
    if not status.connected:
        return "the relay on this host does not answer"
    return f"Redis is away ({status.cause.name})"  # `status.reason` says more, and is for the log


def state() -> dict[str, Any]:
    """What a window shows above the messages."""
    return {"refused": why_not(), "receiving": manager.status.receiving}


@sio.event
async def join(sid: str, name: str, room: str, last: int) -> dict[str, Any]:
    """A window enters a room. `last` is the number of the newest message that it has, 0 for none."""
    name, room, last = str(name)[:30], str(room)[:30], int(last)
    await sio.save_session(sid, {"name": name, "room": room})
    await sio.enter_room(sid, room)
    return {"host": HOST, "state": state(), "messages": history.newer_than(room, last)}


@sio.event
async def read(sid: str, last: int) -> list[Row]:
    """A window reads what it lacks."""
    return history.newer_than((await sio.get_session(sid))["room"], int(last))


@sio.event
async def say(sid: str, text: str) -> dict[str, Any]:
    """A window says something to everyone in its room. The reply says what became of it."""
    session = await sio.get_session(sid)
    room = session["room"]
    refused = why_not()
    if refused:
        return {"refused": refused}  # (2) at once; nothing is stored, and nothing waits for Redis
    message = history.add(room, session["name"], str(text)[:2000], HOST)
    try:
        await sio.emit("message", message, room=room)
    except hubrelay.HubrelayError as error:  # Redis went away at this very moment
        unheard.add(room)
        return {"number": message["number"], "late": type(error).__name__}
    return {"number": message["number"]}


async def on_status(status: hubrelay.Status) -> None:
    """(3) The way through Redis fails, or works again: the windows of this server are told."""
    await sio.emit("state", state(), ignore_queue=True)  # ignore_queue: here alone
    while status.publishing and unheard:
        room = unheard.pop()
        [newest] = history.newer_than(room, 0, limit=1)
        try:
            await sio.emit("message", newest, room=room)
        except hubrelay.HubrelayError:
            unheard.add(room)
            break


async def on_gap(gap: hubrelay.Gap) -> None:
    """(4) What other servers emitted may have been missed: the windows of this server read it."""
    await sio.emit("gap", ignore_queue=True)


manager.on_status = on_status
manager.on_gap = on_gap
