"""A worker of a chat, for tests: python-socketio under uvicorn, or Flask-SocketIO under threads, gevent or eventlet.

    chat.py --mode asgi|threading|gevent|eventlet --queue hubrelay:///... --port 10000 [--channel socketio]

`--queue` with another scheme is python-socketio's own Redis manager. What its clients ask for is what the tests are
about; what the hooks are told is said on the standard output, and to the clients of this worker as "told".
"""
import argparse
import contextvars
import logging
import threading

parser = argparse.ArgumentParser()
parser.add_argument("--mode", required=True)
parser.add_argument("--queue", required=True)
parser.add_argument("--port", type=int, required=True)
parser.add_argument("--channel", default="socketio")
parser.add_argument("--gap-jitter", type=float, default=0.0)
parser.add_argument("--successor", type=float, default=0.25, help="seconds for the next relay to be there")
parser.add_argument("--raise-errors", action="store_true")
options = parser.parse_args()

if options.mode == "gevent":
    import gevent.monkey
    gevent.monkey.patch_all()
elif options.mode == "eventlet":
    import eventlet
    eventlet.monkey_patch()

from servers import say  # noqa: E402

is_hubrelay = options.queue.startswith("hubrelay:")
#: The number of the message that is being emitted, for what the Redis manager logs about it.
emitting = contextvars.ContextVar("emitting", default=None)


def tell(what, **values):
    """On a hook: to the test, and to the clients of this worker."""
    say(what, **values)
    return ["told", {"what": what, **values}], {"ignore_queue": True, "namespace": "/"}


def settings(send):
    """The hooks, each of which emits by `send`."""
    if not is_hubrelay:
        return {}
    return {
        "on_status": lambda status: send(*tell("status", state=status.state.name, publishing=status.publishing)),
        "on_gap": lambda gap: send(*tell("gap", partial=gap.partial)),
        "on_loss": lambda loss: send(*tell("loss", messages=loss.messages)),
        "on_publish_error": lambda error, message: send(*tell(
            "publish_error", error=type(error).__name__, method=message["method"], number=emitting.get())),
        "raise_errors": options.raise_errors,
        "hubrelay_options": {"gap_jitter": options.gap_jitter, "successor": options.successor}}


class Refusals(logging.Handler):
    """What the Redis manager has for an application that wants to know of failures: its log."""

    def __init__(self, send):
        super().__init__(logging.ERROR)
        self._send = send

    def emit(self, record):
        if "giving up" in record.getMessage():
            self._send(*tell("logged", error=record.getMessage(), number=emitting.get()))


def asgi():
    import asyncio
    import socketio
    import uvicorn
    from hubrelay.socketio import AsyncHubrelayManager

    async def send(arguments, named):
        await sio.emit(*arguments, **named)

    if is_hubrelay:
        manager = AsyncHubrelayManager(options.queue, channel=options.channel, **settings(send))
    else:
        manager = socketio.AsyncRedisManager(options.queue, channel=options.channel)
    sio = socketio.AsyncServer(async_mode="asgi", client_manager=manager, cors_allowed_origins="*")
    if not is_hubrelay:
        sio.logger.addHandler(Refusals(lambda *call: asyncio.ensure_future(send(*call))))

    @sio.event
    async def enter(sid, room, whom=None):
        await sio.enter_room(whom or sid, room)

    @sio.event
    async def leave(sid, room, whom=None):
        await sio.leave_room(whom or sid, room)

    @sio.event
    async def close(sid, room):
        await sio.close_room(room)

    @sio.event
    async def part(sid, whom):
        await sio.disconnect(whom)

    @sio.event
    async def publish(sid, room, *data):
        emitting.set(data[-1])
        try:
            await sio.emit("said", data, room=room)
        except Exception as error:
            return type(error).__name__

    @sio.event
    async def ask(sid, whom, question):
        async def answered(*answer):
            await sio.emit("answered", answer, to=sid)
        await sio.emit("question", question, to=whom, callback=answered)

    async def app(scope, receive, send_):
        if scope["type"] == "lifespan":
            message = await receive()
            while message["type"] != "lifespan.shutdown":
                manager.initialize()  # hears of other servers before its first client comes
                sio.manager_initialized = True
                await send_({"type": "lifespan.startup.complete"})
                say("started")
                message = await receive()
            if is_hubrelay:
                await manager.close()
            await send_({"type": "lifespan.shutdown.complete"})
        else:
            await handler(scope, receive, send_)

    handler = socketio.ASGIApp(sio)
    server = uvicorn.Server(uvicorn.Config(app, port=options.port, log_level="warning", timeout_graceful_shutdown=1))
    run = server.startup

    async def started(sockets=None):
        await run(sockets=sockets)
        print("the worker is ready", flush=True)
    server.startup = started
    server.run()


def flask():
    import flask as flask_
    from flask_socketio import SocketIO as PlainSocketIO
    from hubrelay.flask_socketio import SocketIO

    def send(arguments, named):
        sio.server.emit(*arguments, **named)

    app = flask_.Flask(__name__)
    chosen = SocketIO if is_hubrelay else PlainSocketIO
    sio = chosen(app, message_queue=options.queue, channel=options.channel, async_mode=options.mode,
                 cors_allowed_origins="*", **settings(send))
    assert sio.async_mode == options.mode, sio.async_mode
    if not is_hubrelay:
        sio.server.logger.addHandler(Refusals(send))

    @app.route("/")
    def index():
        return "ready"

    @sio.on("enter")
    def enter(room, whom=None):
        sio.server.enter_room(whom or flask_.request.sid, room)

    @sio.on("leave")
    def leave(room, whom=None):
        sio.server.leave_room(whom or flask_.request.sid, room)

    @sio.on("close")
    def close(room):
        sio.close_room(room)

    @sio.on("part")
    def part(whom):
        sio.server.disconnect(whom)

    @sio.on("publish")
    def publish(room, *data):
        emitting.set(data[-1])
        try:
            sio.emit("said", data, to=room)
        except Exception as error:
            return type(error).__name__

    @sio.on("ask")
    def ask(whom, question):
        asker = flask_.request.sid
        sio.emit("question", question, to=whom, callback=lambda *answer: sio.emit("answered", answer, to=asker))

    def announce():
        import urllib.request
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{options.port}/", timeout=5).close()
                break
            except OSError:
                sio.sleep(0.05)
        print("the worker is ready", flush=True)

    sio.server.manager.initialize()
    sio.server.manager_initialized = True
    threading.Thread(target=announce, daemon=True).start()
    extra = {"allow_unsafe_werkzeug": True} if options.mode == "threading" else {}
    sio.run(app, host="127.0.0.1", port=options.port, **extra)


if options.mode == "asgi":
    asgi()
else:
    flask()
