"""One run of one program: it is started, fed or listened to, and its books are checked."""
import json
import os
import selectors
import socket
import subprocess
import time

from servers import PATIENCE

CHANNEL = b"bench"
PAYLOAD_BYTES = 200

#: What a program publishes at a time, or a delivery asks for by one "+". Counts are multiples of it.
BURST = 64

#: What a subscriber of Redis is sent for each message.
MESSAGE_BYTES = len(b"*3\r\n$7\r\nmessage\r\n$5\r\nbench\r\n$200\r\n\r\n") + PAYLOAD_BYTES

#: What a subscriber is sent for a PING.
PONG = b"*2\r\n$4\r\npong\r\n$0\r\n\r\n"

#: What Redis answers to a publish with one receiver.
ANSWER = b":1\r\n"

WORKLOADS = {"publish-64": "64 publishes under way", "publish-1": "one publish at a time", "delivery": "delivery"}


class Failed(Exception):
    """A program that failed, or has lost a message."""


def run(program, workload, servers, warmup, count):
    """Returns what the program has printed: library, messages, user_s, system_s, wall_s."""
    address = servers.relay if program.is_hubrelay else servers.redis
    with socket.socket(socket.AF_UNIX) as redis:
        redis.connect(servers.redis_path)
        if workload != "delivery":
            _subscribe(redis)
        redis.setblocking(False)
        process = subprocess.Popen([*program.command, address, workload, str(warmup), str(count)],
                                   env={**os.environ, **program.environment}, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        try:
            books = (Publisher if workload == "delivery" else Listener)(redis, warmup + count)
            printed = _attend(process, redis, books)
        except Failed as error:
            process.kill()
            said = process.communicate()[1].decode(errors="replace").strip().splitlines()
            raise Failed(f"{program.group}, {program.name}, {workload}: {said[-1] if said else error}") from None
    try:
        return json.loads(printed.strip(b"+\n"))
    except ValueError:
        raise Failed(f"{program.group}, {program.name}, {workload}: has printed {printed[-200:]!r}") from None


def _subscribe(redis):
    redis.sendall(b"*2\r\n$9\r\nSUBSCRIBE\r\n$5\r\n%b\r\n" % CHANNEL)
    answer = redis.makefile("rb", buffering=0)
    for _ in range(6):
        answer.readline()


def _attend(process, redis, books):
    """Until the program has ended, and all that it published has come. Returns what it printed."""
    printed, is_running, deadline = [], True, time.monotonic() + PATIENCE
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        if books.interval is None:
            selector.register(redis, selectors.EVENT_READ)
        while is_running or not books.is_balanced:
            ready = selector.select(books.interval if is_running and books.interval else PATIENCE)
            if ready or (is_running and books.interval and books.transfer(selectors.EVENT_READ)):
                deadline = time.monotonic() + PATIENCE
            elif time.monotonic() > deadline:
                raise Failed(f"nothing happens any more: {books}")
            for key, events in ready:
                if key.fileobj is not redis:
                    data = os.read(process.stdout.fileno(), 65536)
                    if not data:
                        is_running = False
                        selector.unregister(process.stdout)
                        books.ended()
                        if books.interval is not None:
                            selector.register(redis, selectors.EVENT_READ)
                    printed.append(data)
                    books.asked(data.count(b"+"))
                else:
                    books.transfer(events)
            if books.interval is None:
                selector.modify(redis, selectors.EVENT_READ | selectors.EVENT_WRITE * books.has_output)
    _, errors = process.communicate()
    if process.returncode != 0:
        raise Failed((errors.decode(errors="replace").strip().splitlines() or ["it has failed"])[-1])
    return b"".join(printed)


class Listener:
    """Subscribed to the channel in Redis itself: counts what a program publishes."""

    #: It reads so often while the program runs, in seconds: to read each message when it comes would keep a processor
    #: busy that the program, the relay and Redis need.
    interval = 0.1

    def __init__(self, redis, count):
        self._redis, self._expected, self._came, self._end = redis, count * MESSAGE_BYTES, 0, b""

    def __str__(self):
        return f"{self._came / MESSAGE_BYTES:.0f} of {self._expected // MESSAGE_BYTES} messages have come"

    @property
    def is_balanced(self):
        """Everything that the program has published has come. Raises Failed if that is not what it should have."""
        if self._end != PONG:
            return False
        self._came -= len(PONG)
        if self._came != self._expected:
            raise Failed(str(self))
        return True

    def asked(self, bursts):
        """A program that publishes asks for nothing."""

    def ended(self):
        """All of its publishes have their answers, so Redis has them in front of this."""
        self._redis.sendall(b"*1\r\n$4\r\nPING\r\n")

    def transfer(self, events):
        """Returns whether something has come."""
        before = self._came
        try:
            while data := self._redis.recv(1 << 20):
                self._came += len(data)
                self._end = (self._end + data)[-len(PONG):]
        except BlockingIOError:
            pass
        return self._came > before


class Publisher:
    """Publishes in Redis itself what a program asks for: a burst for each "+"."""

    interval = None  # at once

    def __init__(self, redis, count):
        head = b"*3\r\n$7\r\nPUBLISH\r\n$5\r\n%b\r\n$%d\r\n" % (CHANNEL, PAYLOAD_BYTES)
        self._bursts = [b"".join(b"%b%08d%b\r\n" % (head, number, b"x" * (PAYLOAD_BYTES - 8))
                                 for number in range(first, first + BURST)) for first in range(0, count, BURST)]
        self._redis, self._next, self._output, self._answers, self._count = redis, 0, b"", b"", count

    def __str__(self):
        return f"{self._next * BURST} of {self._count} messages were asked for"

    @property
    def has_output(self):
        return bool(self._output)

    @property
    def is_balanced(self):
        return not self._output

    def asked(self, bursts):
        self._output += b"".join(self._bursts[self._next:self._next + bursts])
        self._next += bursts
        self._write()

    def ended(self):
        """What it did not receive, the program itself finds out: it knows the numbers."""

    def transfer(self, events):
        if events & selectors.EVENT_READ:
            answers = self._answers + self._redis.recv(1 << 16)
            whole = len(answers) // len(ANSWER)
            self._answers = answers[whole * len(ANSWER):]
            if answers[:whole * len(ANSWER)] != ANSWER * whole:
                raise Failed(f"Redis answers to a publish: {answers[:100]!r}")
        self._write()

    def _write(self):
        if self._output:
            try:
                self._output = self._output[self._redis.send(self._output):]
            except BlockingIOError:
                pass
