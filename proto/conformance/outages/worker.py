"""A worker: a driver of the client under test, whose messages and results go into the books."""
import time

from runner import codec, lines
from runner.driver import Driver

from .plain import key_of, text_of

CHANNELS = ("room.1", "room.2")
_SUBSCRIPTION = "all"


class Worker(Driver):
    """`listens` by a Subscription of its own, or else by a plain subscribe."""

    def __init__(self, world, command, number, listens):
        self.name = f"w{number}"
        self._world, self._listens = world, listens
        self._flights, self._flown = {}, 0  # publishes by TAG
        self.status = None
        self.last_ok = 0.0
        super().__init__(world, command, number)

    def hear(self):
        """Asks for all channels, and waits until they are in force."""
        names = [f"c:{channel}" for channel in CHANNELS]
        call = self.listen(_SUBSCRIPTION, *names) if self._listens else self.subscribe(*names)
        call.expect("OK", "PENDING")

    def launch(self, command, publish, done=None):
        """Publishes one message of the ledger; `done` is called with its result."""
        self._flown += 1
        tag = f"p{self._flown}"
        self._flights[tag] = publish, done
        self.send(command, tag, lines.quote(publish.channel), lines.base64_of(text_of(publish.key)))

    @property
    def unanswered(self):
        return len(self._flights)

    def is_up(self):
        return self.status is not None and self.status.connected and self.status.state == codec.UP

    def _report(self, words):
        if words[0] == "event" and len(words) > 1:
            self._event(words)
        elif words[0] == "done" and len(words) > 1 and words[1] in self._flights:
            publish, done = self._flights.pop(words[1])
            publish.result = lines.Result(words).word
            if publish.result == "OK":
                self.last_ok = time.monotonic()
            if done:
                done()
        else:
            super()._report(words)

    def _event(self, words):
        books, now = self._world.books, time.monotonic()
        event = lines.Event(words, 0, now)
        is_own = (event.sub == _SUBSCRIPTION) == self._listens
        if event.kind == "message":
            if not is_own:
                books.oddities.append(f"{self.name} had a message with sub={event.sub}")
            else:
                books.delivered(self.name, event.channel, key_of(event.payload), now)
        elif event.kind == "status" and event.sub is None:
            self.status = event
        elif event.kind == "gap" and is_own:
            books.told_gap(self.name, now, event.partial)
        elif event.kind == "loss":
            books.told_loss(self.name, messages=event.messages if is_own else 0,
                            publishes=0 if event.sub else event.publishes, unknown=0 if event.sub else event.unknown)
        elif event.kind in ("revoked", "end"):
            books.oddities.append(f"{self.name}: event {event}")
