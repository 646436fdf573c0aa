"""What an outage of Redis costs a framework's users: measured through the framework, for any of its backends.

A message is published each 50 ms by one worker and awaited at another one. Redis is killed, and is back after some
seconds. What did not arrive is told if the publisher's application was told so (an error, or at least a line of the
log), or if the receiver's application was told after the message was sent that it may have missed some.
"""
import asyncio
import time

INTERVAL = 0.05  # seconds between messages
PATIENCE = 60  # seconds for all to work before the outage
GIVE_UP = 30  # seconds without a delivery after which there will be none

HEADER = ("| backend | outage s | first delivery after Redis accepts again s | missed, nobody told | missed and told | "
          "what the app saw |\n|---|---:|---:|---:|---:|---|")


class Ledger:
    """Which messages were sent, by number, and what became of them. Times are those of time.monotonic()."""

    def __init__(self):
        self.sent, self.received, self.refused, self.gaps, self.seen = {}, {}, set(), [], []
        self._changed = asyncio.Event()

    def receive(self, number):
        """The other worker's client has got this message."""
        self.received.setdefault(number, time.monotonic())
        self._changed.set()

    def refuse(self, number, what):
        """The publisher's application was told that this message was not, or perhaps not, delivered."""
        self.refused.add(number)
        self.see(what)

    def gap(self, what="Gap"):
        """The receiver's application was told that messages may have been missed."""
        self.gaps.append(time.monotonic())
        self.see(what)

    def see(self, what):
        """The application saw this. Each is listed once."""
        if what not in self.seen:
            self.seen.append(what)

    async def until(self, condition, seconds):
        """Waits for something to be received until the condition holds; False if it does not in that time."""
        deadline = time.monotonic() + seconds
        while not condition():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), min(left, 0.2))
            except TimeoutError:
                pass
        return True

    @property
    def missed(self):
        return [number for number in self.sent if number not in self.received]

    def is_told(self, number):
        return number in self.refused or any(gap >= self.sent[number] for gap in self.gaps)


async def measure(backend, redis, seconds, publish, ledger, settle=3):
    """Kills Redis for so many seconds, and returns a row of the table. `publish(number)` is a coroutine function;
    `settle` is how long to go on after the first delivery, for what is told late."""
    requests = set()

    def forget(request):
        requests.discard(request)
        request.cancelled() or request.exception()  # what fails is no news: the ledger has what arrived

    async def go_on():
        number = 0
        while True:
            number += 1
            ledger.sent[number] = time.monotonic()
            request = asyncio.ensure_future(publish(number))
            requests.add(request)
            request.add_done_callback(forget)
            await asyncio.sleep(INTERVAL)

    publisher = asyncio.ensure_future(go_on())
    try:
        if not await ledger.until(lambda: len(ledger.received) >= 20, PATIENCE):
            raise AssertionError(f"{backend}: nothing arrives before the outage")
        ledger.sent = {number: at for number, at in ledger.sent.items() if number in ledger.received}
        ledger.refused, ledger.gaps, ledger.seen = set(), [], []
        loop = asyncio.get_running_loop()
        began = time.monotonic()
        await loop.run_in_executor(None, redis.stop)
        await asyncio.sleep(seconds)
        await loop.run_in_executor(None, redis.start)
        accepts = time.monotonic()

        def delivered():
            return [at for number, at in ledger.received.items()
                    if ledger.sent.get(number, 0) >= began and at >= accepts]
        is_back = await ledger.until(delivered, GIVE_UP)
        await asyncio.sleep(settle if is_back else 0)
        last = max(ledger.sent)
    finally:
        publisher.cancel()
    await ledger.until(lambda: last in ledger.received, 1)
    for request in requests:
        request.cancel()
    told = sum(map(ledger.is_told, ledger.missed))
    first = f"{min(delivered()) - accepts:.2f}" if is_back else f"never ({GIVE_UP} s)"
    return (f"| {backend} | {accepts - began:.1f} | {first} | {len(ledger.missed) - told} | {told} | "
            f"{'; '.join(ledger.seen) or 'nothing'} |")
