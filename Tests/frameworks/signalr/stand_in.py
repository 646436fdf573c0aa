"""A server of a SignalR farm that uses Redis itself, as ASP.NET Core does with StackExchange.Redis.

It is written from upstream's description of the format alone, with a MessagePack of its own, and shares no code with
hubrelay: https://github.com/dotnet/aspnetcore/tree/main/src/SignalR/server/StackExchangeRedis/src
"""
import json
import queue
import socket
import threading
import uuid

import msgpack

PATIENCE = 60  # seconds
RECORD_SEPARATOR = b"\x1e"


def json_invocation(method, args, invocation_id=None):
    """An invocation in the hub protocol "json"."""
    message = {"type": 1, "invocationId": invocation_id, "target": method, "arguments": list(args)}
    if invocation_id is None:
        del message["invocationId"]
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode() + RECORD_SEPARATOR


def messagepack_invocation(method, args, invocation_id=None):
    """An invocation in the hub protocol "messagepack", with its length before it."""
    body = msgpack.packb([1, {}, invocation_id, method, list(args), []])
    length, left = b"", len(body)
    while left >= 128:
        length += bytes([left & 127 | 128])
        left >>= 7
    return length + bytes([left]) + body


def envelope(method, args, excluded=(), invocation_id=None, return_channel=None):
    """What servers send each other for a call of clients, for both hub protocols."""
    items = [list(excluded), {"json": json_invocation(method, args, invocation_id),
                              "messagepack": messagepack_invocation(method, args, invocation_id)}]
    return msgpack.packb(items + ([invocation_id, return_channel] if return_channel else []))


class Redis:
    """A connection to Redis that is made again when it ends, and subscribes to the same channels then. Every channel
    has the prefix in Redis, and nowhere else, as with StackExchange.Redis's channelPrefix."""

    def __init__(self, path, prefix, on_message):
        self._path, self._prefix, self._on_message = path, prefix, on_message
        self._changed = threading.Condition()
        self._wanted, self._confirmed, self._socket = set(), set(), None
        self._closed = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _command(self, name, *channels, payload=None):
        words = [name.encode(), *((self._prefix + channel).encode() for channel in channels)]
        words += [] if payload is None else [payload]
        return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)

    def publish(self, channel, payload):
        """Returns the number of Redis's subscribers."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(PATIENCE)
            connection.connect(self._path)
            connection.sendall(self._command("PUBLISH", channel, payload=payload))
            with connection.makefile("rb") as stream:
                return int(stream.readline()[1:])

    def subscribe(self, *channels):
        """Waits for Redis's confirmation."""
        with self._changed:
            self._wanted.update(channels)
            self._send(self._command("SUBSCRIBE", *channels))
            if not self._changed.wait_for(lambda: self._confirmed.issuperset(channels), PATIENCE):
                raise AssertionError(f"Redis does not confirm {channels}")

    def unsubscribe(self, channel):
        with self._changed:
            self._wanted.discard(channel)
            self._send(self._command("UNSUBSCRIBE", channel))
            if not self._changed.wait_for(lambda: channel not in self._confirmed, PATIENCE):
                raise AssertionError(f"Redis does not confirm the end of {channel}")

    def wait_until_restored(self):
        """Waits until a connection after an outage has all subscriptions again."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._socket and self._confirmed == self._wanted, PATIENCE):
                raise AssertionError("the stand-in does not reach Redis")

    def close(self):
        with self._changed:
            self._closed = True
            if self._socket:
                self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(PATIENCE)

    def _send(self, command):
        if self._socket:
            try:
                self._socket.sendall(command)
            except OSError:
                pass  # the reader sees it, too, and subscribes again

    def _run(self):
        pause = threading.Event()
        while not self._closed:
            with socket.socket(socket.AF_UNIX) as connection:
                pause.wait(0.02)  # before each attempt
                try:
                    connection.connect(self._path)
                except OSError:
                    continue
                with self._changed:
                    self._socket = connection
                    if self._wanted:
                        self._send(self._command("SUBSCRIBE", *self._wanted))
                try:
                    with connection.makefile("rb") as stream:
                        self._read(stream)
                except (OSError, ValueError):
                    pass
                with self._changed:
                    self._socket = None
                    self._confirmed.clear()
                    self._changed.notify_all()

    def _read(self, stream):
        while True:
            kind, name, value = self._reply(stream)
            if kind == b"message":
                self._on_message(name.decode().removeprefix(self._prefix), value)
                continue
            with self._changed:
                change = self._confirmed.add if kind == b"subscribe" else self._confirmed.discard
                change(name.decode().removeprefix(self._prefix))
                self._changed.notify_all()

    def _reply(self, stream):
        line = stream.readline()
        if line[:1] == b"*":
            return [self._reply(stream) for _ in range(int(line[1:]))]
        if line[:1] == b"$":
            length = int(line[1:])
            data = stream.read(length + 2)
            if len(data) < length + 2:
                raise ValueError("the connection has ended within a reply")
            return data[:-2]
        return int(line[1:])  # a ValueError at the end


class Connection:
    """A client's connection, of which the test is the client."""

    def __init__(self, connection_id, user, protocol):
        self.id, self.user, self.protocol = connection_id, user, protocol
        self.received = queue.Queue()

    def call(self):
        """The next invocation, as its method and arguments."""
        message = self.next()
        return message["target"], message["arguments"]

    def next(self):
        return json.loads(self.received.get(timeout=PATIENCE).removesuffix(RECORD_SEPARATOR))


class StackExchangeServer:
    """One server with its hub. `prefix` is StackExchange.Redis's channelPrefix."""

    def __init__(self, redis_path, prefix, hub, name):
        self.name, self._hub = name, hub
        self.connections, self._groups, self._acks, self._results, self._forwards = {}, {}, {}, {}, {}
        self._last_ack = 0
        self._events = queue.Queue()
        self._worker = threading.Thread(target=self._work, daemon=True)
        self._worker.start()
        self.redis = Redis(redis_path, prefix, lambda channel, payload: self._events.put((channel, payload)))
        self.redis.subscribe(*map(self._channel, ("all", "internal:groups", "internal:ack:" + name,
                                                  "internal:return:" + name)))

    def _channel(self, rest):
        return f"{self._hub}:{rest}"

    def close(self):
        self.redis.close()
        self._events.put(None)
        self._worker.join(PATIENCE)

    # What an app calls.

    def connect(self, connection_id, user=None, protocol="json"):
        connection = self.connections[connection_id] = Connection(connection_id, user, protocol)
        self.redis.subscribe(self._channel("connection:" + connection_id))
        if user:
            self.redis.subscribe(self._channel("user:" + user))
        return connection

    def all(self, method, *args, excluded=()):
        return self.redis.publish(self._channel("all"), envelope(method, args, excluded))

    def group(self, name, method, *args, excluded=()):
        return self.redis.publish(self._channel("group:" + name), envelope(method, args, excluded))

    def user(self, user, method, *args):
        return self.redis.publish(self._channel("user:" + user), envelope(method, args))

    def connection(self, connection_id, method, *args):
        return self.redis.publish(self._channel("connection:" + connection_id), envelope(method, args))

    def join(self, connection_id, group):
        if connection_id in self.connections:
            self._join(connection_id, group)
        else:
            self._command(1, connection_id, group)

    def leave(self, connection_id, group):
        if connection_id in self.connections:
            self._leave(connection_id, group)
        else:
            self._command(2, connection_id, group)

    def invoke(self, connection_id, method, *args):
        """What the connection's client returns: (result, error)."""
        invocation_id, answer = uuid.uuid4().hex, queue.Queue()
        self._results[invocation_id] = answer
        receivers = self.redis.publish(
            self._channel("connection:" + connection_id),
            envelope(method, args, (), invocation_id, self._channel("internal:return:" + self.name)))
        if receivers < 1:
            raise LookupError(connection_id)
        completion = answer.get(timeout=PATIENCE)
        return completion.get("result"), completion.get("error")

    def answer(self, connection, **what):
        """The client of a connection here returns a result, or an error, to the server that asked."""
        invocation_id = connection.next()["invocationId"]
        completion = json.dumps({"type": 3, "invocationId": invocation_id, **what}, separators=(",", ":")).encode()
        self.redis.publish(self._forwards.pop(invocation_id), msgpack.packb(["json", completion + RECORD_SEPARATOR]))

    # What comes from other servers.

    def _command(self, action, connection_id, group):
        self._last_ack += 1
        acknowledged = self._acks[self._last_ack] = threading.Event()
        self.redis.publish(self._channel("internal:groups"),
                           msgpack.packb([self._last_ack, self.name, action, group, connection_id]))
        if not acknowledged.wait(PATIENCE):
            raise AssertionError(f"nobody acknowledges {connection_id} in {group}")

    def _join(self, connection_id, group):
        members = self._groups.setdefault(group, set())
        members.add(connection_id)
        if len(members) == 1:
            self.redis.subscribe(self._channel("group:" + group))

    def _leave(self, connection_id, group):
        members = self._groups.get(group, set())
        members.discard(connection_id)
        if group in self._groups and not members:
            del self._groups[group]
            self.redis.unsubscribe(self._channel("group:" + group))

    def _work(self):
        for channel, payload in iter(self._events.get, None):
            kind, _, name = channel.removeprefix(self._hub + ":").partition(":")
            items = msgpack.unpackb(payload)
            if kind == "internal":
                self._internal(name, items)
                continue
            excluded, messages, *rest = items
            chosen = {"all": lambda: list(self.connections), "group": lambda: list(self._groups.get(name, ())),
                      "user": lambda: [one.id for one in self.connections.values() if one.user == name],
                      "connection": lambda: [name]}[kind]()
            if rest:
                self._forwards[rest[0]] = rest[1]
            for connection_id in chosen:
                connection = self.connections.get(connection_id)
                if connection and connection_id not in excluded:
                    connection.received.put(messages[connection.protocol])

    def _internal(self, name, items):
        if name == "groups":
            number, server, action, group, connection_id = items[:5]
            if connection_id in self.connections:
                (self._join if action == 1 else self._leave)(connection_id, group)
                self.redis.publish(self._channel("internal:ack:" + server), msgpack.packb([number]))
        elif name.startswith("ack:"):
            self._acks.pop(items[0]).set()
        else:
            completion = json.loads(items[1].removesuffix(RECORD_SEPARATOR))
            self._results.pop(completion["invocationId"]).put(completion)
