"""The story, step by step: what is done, what is waited for, and what that proves."""

import asyncio
import json
import time

from appserver import AppServer
from processes import Redis, Relay

OUTAGE = 2.0  # seconds without Redis


class Story:
    """Prints the steps, numbered, and what held in each of them."""

    def __init__(self):
        self.steps = self.held = self.failed = 0

    def step(self, title):
        self.steps += 1
        print(f"\n{self.steps}. {title}", flush=True)

    def check(self, holds, text):
        self.held += bool(holds)
        self.failed += not holds
        print(f"   {'ok  ' if holds else 'FAIL'}  {text}", flush=True)

    def note(self, text):
        print(f"         {text}", flush=True)


class Demo:
    def __init__(self, binary, directory):
        self.story = Story()
        self.directory = directory
        self.redis = Redis(directory)
        self.a, self.b = (Relay(binary, host, self.redis, directory) for host in "AB")
        self.a1, self.a2 = AppServer("a1", self.a), AppServer("a2", self.a)
        self.b1 = AppServer("b1", self.b)
        self.relays, self.servers = [self.a, self.b], [self.a1, self.a2, self.b1]

    async def all_see(self, kind, **wanted):
        return await asyncio.gather(*(server.see(kind, **wanted) for server in self.servers))

    async def run(self):
        await self.start()
        await self.connect()
        await self.cross_hosts()
        await self.plain_redis_client()
        await self.many_messages()
        await self.outage()
        await self.recovery()
        await self.subscriptions_survived()

    async def start(self):
        story = self.story
        story.step("One Redis, and a relay on each of two hosts, A and B")
        await self.redis.start()
        story.note(f"a private redis-server on 127.0.0.1:{self.redis.port} (pid {self.redis.pid})")
        for relay in self.relays:
            took = await relay.start()
            story.check(True, f"{relay.name} (pid {relay.pid}) is ready {took:.0f} ms after its start")

    async def connect(self):
        story = self.story
        story.step("Three app servers: workers a1 and a2 on host A, worker b1 on host B")
        await asyncio.gather(*(server.start() for server in self.servers))
        await self.all_see("status", state="UP")
        story.check(True, "each is connected to its relay's Unix socket and told UP: the path to Redis works")
        replies = [await server.subscribe("room.7") for server in self.servers]
        story.check(all(reply["outcome"] == "OK" for reply, _ in replies), "all three subscribe to room.7")
        count = self.redis.command("PUBSUB NUMSUB demo:room.7")[1]
        story.check(count == 2, f"Redis counts {count} subscribers of demo:room.7: the relays, not the workers")

    async def cross_hosts(self):
        story = self.story
        story.step("A message crosses hosts, in both directions")
        for sender in (self.a1, self.b1):
            text = f"hello from {sender.name}"
            reply, took = await sender.publish("room.7", text)
            story.check(reply["outcome"] == "OK" and reply["receivers"] == 2,
                        f"{sender.name} publishes: Redis took it in {took:.1f} ms and delivered it"
                        f" {reply['receivers']} times, once a host")
            await self.all_see("message", channel="room.7", payload=text)
            story.check(True, f"a1, a2 and b1 have '{text}': host A's relay handed its one copy to two workers")

    async def plain_redis_client(self):
        story = self.story
        story.step("Any Redis client can take part: payloads are published as they are")
        self.redis.command('PUBLISH demo:room.7 "from redis-cli"')
        await self.all_see("message", channel="room.7", payload="from redis-cli")
        story.check(True, "a plain PUBLISH to demo:room.7 reached all three")

    async def many_messages(self):
        story = self.story
        story.step("1,000 messages from b1, written without waiting for replies")
        sent = [f"message {number}" for number in range(1000)]
        for server in self.servers:
            server.set_mark()
        await self.b1.publish("room.7", *sent)
        await self.all_see("message", payload=sent[-1])
        for server in self.servers:
            got = [event["payload"] for event in server.seen("message")]
            story.check(got == sent, f"{server.name} has {len(got)}: none missing, none twice, in order")

    async def outage(self):
        story = self.story
        story.step(f"Redis stops, for {OUTAGE:.0f} seconds")
        for server in self.servers:
            server.set_mark()
        begin = self.stopped = time.monotonic()
        await self.redis.stop()
        events = await self.all_see("status", state="DOWN")
        slowest = max(event["at"] for event in events) - begin
        # By the closed connection, and not by heartbeats: these take 6 s.
        story.check(slowest < 4, f"DOWN told to all three within {slowest * 1000:.0f} ms: {events[0]['reason']}")
        for server in (self.a1, self.b1):
            reply, took = await server.publish("room.7", "into the void")
            story.check(reply["outcome"] == "NOT_CONNECTED",
                        f"{server.name} publishes: {reply['outcome']} after {took:.1f} ms, so it knows at once that"
                        " nobody got this")
        reply, _ = await self.a1.subscribe("room.8")
        story.check(reply["outcome"] == "PENDING", f"a1 subscribes to room.8: {reply['outcome']}, in force later")
        story.check(self.a.get("/health")[0] == 503, "/health of relay A: 503, it tells the truth about the whole path")
        story.check(self.a.get("/readyz")[0] == 200,
                    "/readyz of relay A: 200, no reason to restart it or to take its app out of service")

    async def recovery(self):
        story = self.story
        await asyncio.sleep(max(0.0, self.stopped + OUTAGE - time.monotonic()))
        story.step("Redis is back, empty, on the same port")
        await self.redis.start()
        begin = time.monotonic()
        events = await self.all_see("status", state="UP")
        slowest = max(0.0, max(event["at"] for event in events) - begin)
        story.check(True, f"UP told to all three {slowest * 1000:.0f} ms after Redis answers again")
        story.check(all(event["down_ms"] >= OUTAGE * 900 and event["outages"] == 1 for event in events),
                    f"and how long it was away: {events[0]['down_ms']} ms, outage number {events[0]['outages']}")
        story.check(all(event["gaps"] > 0 for event in events),
                    "and that messages may have been missed (gaps has grown): re-read what must not be")
        for relay in self.relays:
            status, body = relay.get("/health")
            health = json.loads(body)
            counts = health["messages"]
            story.check(status == 200 and health["status"] == "up",
                        f"/health of {relay.name}: {status}, {health['status']}; {counts['received']} messages from"
                        f" Redis made {counts['delivered']} for {health['connections']} workers")

    async def subscriptions_survived(self):
        story = self.story
        story.step("Nobody subscribes again, and nobody has to")
        for server in self.servers:
            server.set_mark()
        await self.b1.publish("room.7", "still there?")
        await self.all_see("message", channel="room.7", payload="still there?")
        story.check(True, "room.7 still reaches a1, a2 and b1")
        await self.b1.publish("room.8", "welcome")
        await self.a1.see("message", channel="room.8", payload="welcome")
        story.check(True, "room.8, asked for while Redis was away, reaches a1")
        lost = [event for server in self.servers for event in server.seen("message", payload="into the void")]
        story.check(not lost, "what was answered NOT_CONNECTED was not delivered, then or later")

    async def shut_down(self):
        story = self.story
        story.step("The relays are told to stop (SIGTERM)")
        for server in self.servers:
            server.set_mark()
        exits = [asyncio.create_task(relay.stop()) for relay in self.relays]
        await self.all_see("status", state="STOPPING")
        story.check(True, "STOPPING told to all three, who finish and close")
        await asyncio.gather(*(server.stop() for server in self.servers))
        codes = await asyncio.gather(*exits)
        story.check(codes == [0, 0], f"the relays ended with exit codes {codes[0]} and {codes[1]}")
        story.check(not any(relay.socket.exists() for relay in self.relays), "their sockets are gone")

    async def end_all(self):
        """Ends what still runs, in the order opposite to its start."""
        await asyncio.gather(*(server.stop() for server in self.servers))
        await asyncio.gather(*(relay.stop() for relay in self.relays))
        await self.redis.stop()
