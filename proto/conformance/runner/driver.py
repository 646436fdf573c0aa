"""A driver under way: commands to it, and its reports."""
import collections
import contextlib
import signal
import time

from . import codec, lines
from .failure import Failure
from .process import Process

_START_SECONDS = 120  # an interpreter or virtual machine on a busy machine; the build was before


class Call:
    """A command that has a TAG, and its one result."""

    def __init__(self, driver, tag, text):
        self._driver, self.tag, self.text, self.outcome = driver, tag, text, None

    def __str__(self):
        return f"`{self.text}`"

    def result(self):
        """Waits for the result."""
        return self._driver.session.wait(lambda: self.outcome, f"{self._driver.title}: the result of {self}")

    def expect(self, *words, rule=None):
        """Waits for the result; its word has to be one of these."""
        result = self.result()
        if result.word not in words:
            raise Failure(f"{self._driver.title}: {self} ended with {result}, and not with {' or '.join(words)}", rule)
        return result


class Driver:
    """Sends commands, and keeps the reports until the scenario takes them."""

    def __init__(self, session, command, number):
        self.session, self.title = session, f"driver {number}" if number > 1 else "driver"
        self.capabilities = None
        self.fatal = None
        self._calls = {}          # by TAG
        self._counter = 0
        self._untaken = collections.defaultdict(collections.deque)  # events by kind
        self._events = 0
        self._gathered = None     # commands that are to go out together
        self._is_ending = self._is_open = self._has_ended = False
        self._nudge = None
        self._process = Process(session, command, self._take_in, self._ended)

    def wait_until_started(self):
        self.session.wait(lambda: self.capabilities is not None, f"{self.title}: its first line", _START_SECONDS)

    # Commands

    def send(self, *words):
        """One line, as it is."""
        line = " ".join(words)
        self.session.log(f"{self.title} <", line)
        data = line.encode() + b"\n"
        if self._gathered is None:
            self._process.write(data)
        else:
            self._gathered.append(data)

    @contextlib.contextmanager
    def in_one_write(self):
        """The commands within go to the driver together."""
        self._gathered = []
        yield
        gathered, self._gathered = self._gathered, None
        self._process.write(b"".join(gathered))

    def call(self, command, *words):
        """A command with a new TAG."""
        self._counter += 1
        tag = f"t{self._counter}"
        text = " ".join([command, tag, *words])
        call = self._calls[tag] = Call(self, tag, text if len(text) < 100 else text[:90] + "...")
        self.send(command, tag, *words)
        return call

    def open(self, path, name, settings):
        if self.session.is_publisher():
            settings = settings | {"profile": "publisher"}
        self._is_open = True
        self.send("open", lines.quote(path), lines.quote(name), *(f"{key}={value}" for key, value in settings.items()))

    def publish(self, channel, payload=b"x", command="publish"):
        payload = payload if isinstance(payload, bytes) else str(payload).encode()
        return self.call(command, lines.quote(channel), lines.base64_of(payload))

    def publish_now(self, channel, payload=b"x"):
        return self.publish(channel, payload, "publish-now")

    def tell(self, channel, payload=b"x"):
        return self.publish(channel, payload, "tell")

    def subscribe(self, *names):
        return self.call("subscribe", *map(lines.name_word, names))

    def unsubscribe(self, *names):
        return self.call("unsubscribe", *map(lines.name_word, names))

    def listen(self, handle, *names):
        return self.call("listen", handle, *map(lines.name_word, names))

    def nudge(self):
        """Makes a client that connects only to publish do so. At most one such publish is under way."""
        if self._is_open and not (self._nudge and self._nudge.outcome is None):
            self._nudge = self.publish("nudge")

    # Reports

    def _ended(self):
        if not self._is_ending and self.fatal is None:
            raise Failure(f"{self.title}: the driver has ended, {self._process.end_text()}")

    def _take_in(self, line):
        self.session.log(f"{self.title} >", line)
        words = line.rstrip("\r").split(" ")
        try:
            self._report(words)
        except lines.BadLine as error:
            raise Failure(f"{self.title}: a line that is no report ({error}): {line[:200]}",
                          "README.md, Reports") from None

    def _report(self, words):
        if self.capabilities is None:
            if words[:2] != ["driver", "1"] or len(words) < 4:
                raise lines.BadLine("the first line is `driver 1 LANGUAGE CLIENT CAPABILITY...`")
            self.capabilities = set(words[4:])
        elif words[0] == "done":
            self._done(lines.Result(words))
        elif words[0] == "event":
            event = lines.Event(words, self._events + 1, time.monotonic())
            is_end_of_one = event.kind == "end" and event.sub is not None
            if self._has_ended and not is_end_of_one:
                raise Failure(f"{self.title}: `{' '.join(words)[:200]}` came after `event end`",
                              "PROTOCOL.md 11 Closing")
            self._events += 1
            self._has_ended |= event.kind == "end" and not is_end_of_one
            self._untaken["end of one" if is_end_of_one else event.kind].append(event)
        elif words[0] == "fatal":
            self.fatal = " ".join(words[1:]) or "fatal"
        elif words[0] != "log":
            raise lines.BadLine("a report is one of done, event, log, fatal")

    def _done(self, result):
        call = self._calls.get(result.tag)
        if call is None:
            raise Failure(f"{self.title}: a result of {result.tag}, which is no command's TAG")
        if call.outcome is not None:
            raise Failure(f"{self.title}: a second result of {call}: {call.outcome}, and now {result}",
                          "README.md: each command with a TAG gets exactly one `done TAG`")
        call.outcome = result

    def forget_calls(self):
        """Drops the commands that have their result, so that a million of them fit into memory."""
        self._calls = {tag: call for tag, call in self._calls.items() if call.outcome is None}

    # Events

    def untaken(self, kind):
        """The events of a kind that have come and were not taken yet."""
        return self._untaken[kind]

    def take(self, kind, what=None, condition=lambda event: True):
        """Waits for the next event of a kind, and takes it; one that does not meet the condition is a Failure."""
        what = what or f"an event {kind}"
        self.session.wait(lambda: self._untaken[kind] or self._check_fatal(), f"{self.title}: {what}")
        event = self._untaken[kind].popleft()
        if not condition(event):
            raise Failure(f"{self.title}: `event {event}` came, and not {what}")
        return event

    def take_end_of(self, handle, why):
        """Waits for the end of a Subscription, if the driver tells of it."""
        if "subscription-end" in self.capabilities:
            self.take("end of one", f"`event end sub={handle}`, since {why}", lambda event: event.sub == handle)

    def take_status(self, what, condition):
        """Waits for a Status that meets the condition; those before it are passed over."""
        def found():
            while self._untaken["status"]:
                status = self._untaken["status"].popleft()
                if condition(status):
                    return status
            return self._check_fatal()
        return self.session.wait(found, f"{self.title}: {what}")

    def wait_up(self):
        """Waits until the client says that it is UP, once more if it has said so before."""
        return self.take_status("a status with state=1 connected=1", lambda s: s.state == codec.UP and s.connected)

    def wait_connected(self):
        """Waits until the client can publish: by its word, or by trying if it has no events."""
        if not self.session.is_publisher():
            return self.wait_up()
        def published():
            call = self.publish("ready")
            return call.expect("OK", "NOT_CONNECTED").word == "OK"
        return self.session.wait(published, f"{self.title}: a publish that is OK")

    def none(self, kind, what, condition=lambda event: True):
        """Failure if there is an untaken event of a kind."""
        for event in self._untaken[kind]:
            if condition(event):
                raise Failure(f"{self.title}: {what}, and `event {event}` came")

    def _check_fatal(self):
        if self.fatal is not None:
            raise Failure(f"{self.title}: the client could not be made: {lines.unquote(self.fatal)}")

    # The process

    def finish(self):
        """Ends the driver by its own command."""
        self._is_ending = True
        self.send("quit")
        deadline = time.monotonic() + 10
        while self._process.is_running:
            if time.monotonic() > deadline:
                raise Failure(f"{self.title}: it does not end on `quit`", "README.md, Commands")
            self.session.pump(0.02)

    def errors(self):
        """The last lines that it wrote to its standard error, for people."""
        return self._process.errors()

    def stop(self):
        """The process stands still, until `go_on`: as on a machine that sleeps."""
        self._process.signal(signal.SIGSTOP)

    def go_on(self):
        self._process.signal(signal.SIGCONT)

    def kill(self):
        self._is_ending = True
        self._process.kill()
