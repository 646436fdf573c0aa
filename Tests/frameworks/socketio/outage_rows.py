"""`run outages`: Redis is away for 2 s and for 8 s; hubrelay's managers and the Redis managers in the same run."""
import asyncio

from outages import HEADER, Ledger, measure
from people import Person, hear_each_other, worker
from servers import DEFAULT_TIMINGS, Fleet


async def follow(person, saw):
    """Calls `saw` with everything that this person sees from now on."""
    taken = len(person.seen)

    def is_more():
        return len(person.seen) > taken
    while True:
        await person.until(is_more)
        for event, arguments in person.seen[taken:]:
            saw(event, *arguments)
        taken = len(person.seen)


async def row(backend, mode, queue, fleet, seconds):
    """One row, with two workers: one publishes, a client of the other one listens."""
    workers = [await asyncio.to_thread(worker, fleet, url, mode, gap_jitter=2) for url in queue]
    speaker, listener = [await Person(each).connect() for each in workers]
    ledger = Ledger()
    try:
        await hear_each_other([speaker, listener])

        def hears(event, *arguments):
            if event == "said" and arguments[0] == "measured":
                ledger.receive(arguments[1])
            elif event == "told" and arguments[0]["what"] == "gap":
                ledger.gap()

        def is_told(event, *arguments):
            if event == "told" and arguments[0]["what"] == "publish_error":
                ledger.refuse(arguments[0]["number"], "on_publish_error")
            elif event == "told" and arguments[0]["what"] == "logged":
                ledger.refuse(arguments[0]["number"], "a line in the log for each")

        tasks = [asyncio.ensure_future(follow(listener, hears)), asyncio.ensure_future(follow(speaker, is_told))]
        try:
            return await measure(f"{backend}, {mode}", fleet.redis, seconds,
                                 lambda number: speaker.do("publish", None, "measured", number), ledger)
        finally:
            for task in tasks:
                task.cancel()
    finally:
        for person in (speaker, listener):
            await person.leave()


async def main():
    print(HEADER, flush=True)
    for mode in ("asgi", "threading"):
        for seconds in (2, 8):
            with Fleet(2, DEFAULT_TIMINGS) as relays, Fleet(0) as plain:
                rows = await asyncio.gather(
                    row("hubrelay", mode, [relays.url(0), relays.url(1)], relays, seconds),
                    row("Redis manager", mode, [plain.redis.tcp_url] * 2, plain, seconds))
            print("\n".join(rows), flush=True)


asyncio.run(main())
