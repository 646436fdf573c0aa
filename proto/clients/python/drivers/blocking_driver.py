"""The conformance driver of the blocking client: a thread for each request."""
import os
import sys
import threading

import hubrelay
from drivers import lines


class Client(hubrelay.Client):
    """Says when a request has been made, so that the next one comes behind it."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.made = threading.local()

    def _wait(self, waiter, timeout):
        if hasattr(self.made, "event"):
            self.made.event.set()
        return super()._wait(waiter, timeout)


class Driver:
    def __init__(self):
        self.client, self.subscriptions = None, {}
        self.may_take = threading.Event()
        self.may_take.set()

    def run(self):
        lines.say("driver 1 python hubrelay-blocking jitter inflight-bound unsent-bound events-bound fork",
                  "hang-up subscription-end")
        for line in sys.stdin.buffer:
            words = line.decode().rstrip("\n").split(" ")
            if words == ["quit"]:
                break
            if words[0] == "open":
                self.open(words[1:])
            elif words[0] and words[0] != "cancel":
                made = threading.Event()
                threading.Thread(target=self.perform, args=(made, *words), daemon=True).start()
                made.wait()
        os._exit(0)

    def perform(self, made, command, tag, *words):
        if self.client is not None:
            self.client.made.event = made
        try:
            getattr(self, command.replace("-", "_"))(tag, *words)
        except hubrelay.HubrelayError as error:
            lines.failed(tag, error)
        finally:
            made.set()

    def open(self, words):
        try:
            path, name = map(lines.name, words[:2])
            self.client = Client(path, name, **lines.options(words[2:]))
        except hubrelay.Invalid as error:
            lines.say("fatal", lines.quoted(str(error)))
            return
        self.client.connect()
        threading.Thread(target=self.take_events, args=(self.client.events, None), daemon=True).start()

    def take_events(self, stream, handle):
        while True:
            self.may_take.wait()
            event = stream.get()
            if event is None:
                break
            self.may_take.wait()
            lines.report(event, handle)
        lines.say("event end", *([f"sub={handle}"] if handle else []))

    def publish(self, tag, channel, payload, wait=True):
        receivers = self.client.publish(lines.name(channel), lines.payload(payload), wait=wait)
        lines.done(tag, "OK", receivers=receivers)

    def publish_now(self, tag, channel, payload):
        self.publish(tag, channel, payload, wait=False)

    def tell(self, tag, channel, payload):
        self.client.send(lines.name(channel), lines.payload(payload))
        lines.done(tag, "SENT")

    def subscribe(self, tag, *words):
        channels, patterns = lines.names(words)
        lines.done(tag, self.client.subscribe(*channels, patterns=patterns).name)

    def unsubscribe(self, tag, *words):
        channels, patterns = lines.names(words)
        lines.done(tag, self.client.unsubscribe(*channels, patterns=patterns).name)

    def listen(self, tag, handle, *words):
        channels, patterns = lines.names(words)
        subscription = self.client.listen(*channels, patterns=patterns)
        lines.done(tag, subscription.outcome.name)
        self.subscriptions[handle] = subscription
        threading.Thread(target=self.take_events, args=(subscription, handle), daemon=True).start()

    def unlisten(self, tag, handle):
        self.subscriptions.pop(handle).close()
        lines.done(tag, "OK")

    def fork(self, tag):
        if os.fork() == 0:
            try:
                self.client.publish("forked", b"from the child")
            except hubrelay.HubrelayError as error:
                lines.say("log", lines.quoted(f"the child's publish failed: {error}"))
            os._exit(0)
        lines.done(tag, "OK")

    def ping(self, tag):
        self.client.ping()
        lines.done(tag, "OK")

    def hold(self, tag):
        self.may_take.clear()
        lines.done(tag, "OK")

    def release(self, tag):
        self.may_take.set()
        lines.done(tag, "OK")

    def memory(self, tag):
        lines.done(tag, "OK", rss=lines.memory())

    def close(self, tag):
        self.client.close()
        lines.done(tag, "OK")


Driver().run()
