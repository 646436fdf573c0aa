"""What the client does while all is well: publish, subscribe, unsubscribe, ping."""
import asyncio
import unittest

from harness import RelayTest, hubrelay
from hubrelay import Loss, Outcome, State, Status


class Messages(RelayTest):
    async def test_the_first_event_is_the_status(self):
        async with self.client() as client:
            self.assertIsInstance(await self.soon(client.events.__anext__()), Status)
            await self.up(client)
            self.assertTrue(client.status.publishing and client.status.receiving)

    async def test_a_message_goes_from_one_client_to_another(self):
        async with self.client() as one, self.client() as other:
            await self.up(one)
            await self.up(other)
            self.assertEqual(await self.soon(other.subscribe("room.7")), Outcome.OK)
            self.assertEqual(await self.soon(one.publish("room.7", b"hi")), 1)
            self.assertEqual(await self.messages(other, 1), [("room.7", b"hi", "")])

    async def test_receivers_are_what_redis_counted(self):
        async with self.client() as client:
            await self.up(client)
            self.assertEqual(await self.soon(client.publish("nobody", b"x")), 0)

    async def test_receivers_count_what_a_relay_holds_at_redis_and_not_its_workers(self):
        async with self.client() as one, self.client() as other:
            await self.up(one)
            await self.soon(one.subscribe("room.7"))
            self.assertEqual(await self.soon(one.publish("room.7", b"x")), 1)
            await self.soon(other.subscribe("room.7"))
            self.assertEqual(await self.soon(one.publish("room.7", b"x")), 1)
            for client, pattern, expected in ((other, "room.*", 2), (one, "room.*", 2), (one, "*", 3),
                                              (one, "hall.*", 3)):
                await self.soon(client.subscribe(patterns=[pattern]))
                self.assertEqual(await self.soon(one.publish("room.7", b"x")), expected, pattern)

    async def test_patterns_match_bytes(self):
        async with self.client() as client:
            await self.up(client)
            await self.soon(client.subscribe(patterns=["caf?"]))
            for channel, expected in (("cafe", 1), ("caf\u00e9", 0)):
                self.assertEqual(await self.soon(client.publish(channel, b"x")), expected)

    async def test_payloads_are_bytes_and_channels_are_any_text(self):
        payloads = [bytes(range(256)), b"", b"\r\n$5\r\n", bytes(1 << 20)]
        channel = "Zürich 東京 \U0001f680 \0 \r\n"
        async with self.client() as client:
            await self.up(client)
            await self.soon(client.subscribe(channel))
            for payload in payloads:
                await self.soon(client.publish(channel, payload))
            self.assertEqual(await self.messages(client, 4), [(channel, payload, "") for payload in payloads])

    async def test_the_prefix_is_the_relays_business(self):
        async with self.client() as client:
            await self.up(client)
            await self.soon(client.subscribe("a"))
            self.assertEqual(self.redis.command("PUBLISH", "t:a", b"from outside"), 1)
            self.assertEqual(self.redis.command("PUBLISH", "a", b"elsewhere"), 0)
            self.assertEqual(await self.messages(client, 1), [("a", b"from outside", "")])

    async def test_patterns(self):
        async with self.client() as client:
            await self.up(client)
            self.assertEqual(await self.soon(client.subscribe(patterns=["user.*", "h[ae]llo"])), Outcome.OK)
            for channel in ("user.12", "other", "hallo", "hillo", "hello"):
                await self.soon(client.publish(channel, b"x"))
            self.assertEqual(await self.messages(client, 3), [
                ("user.12", b"x", "user.*"), ("hallo", b"x", "h[ae]llo"), ("hello", b"x", "h[ae]llo")])

    async def test_a_channel_and_a_pattern_bring_a_message_once_each(self):
        async with self.client() as client:
            await self.up(client)
            await self.soon(client.subscribe("a"))
            await self.soon(client.subscribe(patterns=["a*"]))
            await self.soon(client.publish("a", b"x"))
            self.assertEqual(sorted(await self.messages(client, 2)), [("a", b"x", ""), ("a", b"x", "a*")])

    async def test_after_unsubscribe_no_message_comes(self):
        async with self.client() as client:
            await self.up(client)
            await self.soon(client.subscribe("a", "b"))
            await self.soon(client.subscribe(patterns=["c*"]))
            self.assertEqual(await self.soon(client.unsubscribe("a", "never held")), Outcome.OK)
            self.assertEqual(await self.soon(client.unsubscribe(patterns=["c*"])), Outcome.OK)
            for channel in ("a", "c1", "b"):
                await self.soon(client.publish(channel, b"x"))
            self.assertEqual(await self.messages(client, 1), [("b", b"x", "")])

    async def test_publishes_without_reply_keep_their_order(self):
        async with self.client() as client:
            await self.up(client)
            await self.soon(client.subscribe("a"))
            for number in range(2000):
                client.send("a", str(number))
            found = await self.messages(client, 2000)
            self.assertEqual([int(payload) for _, payload, _ in found], list(range(2000)))

    async def test_what_is_written_before_the_close_arrives(self):
        async with self.client() as reader:
            await self.up(reader)
            await self.soon(reader.subscribe("a"))
            async with self.client() as writer:
                await self.up(writer)
                for _ in range(100):
                    writer.send("a", bytes(5000))
            self.assertEqual(len(await self.messages(reader, 100)), 100)

    async def test_many_requests_at_once_each_get_their_own_reply(self):
        async with self.client() as client:
            await self.up(client)
            await self.soon(client.subscribe("a"))
            requests = [client.publish("a" if number % 3 == 0 else "b", b"x") for number in range(900)]
            receivers = await self.soon(asyncio.gather(*requests))
            self.assertEqual(receivers, [1 if number % 3 == 0 else 0 for number in range(900)])

    async def test_ping(self):
        async with self.client() as client:
            await self.soon(client.ping())


class Refusals(RelayTest):
    options = {"--max-payload": "1KiB", "--max-subscriptions-per-connection": "3"}

    async def test_a_wrong_request_is_invalid_and_the_connection_lives_on(self):
        async with self.client() as client:
            await self.up(client)
            self.assertEqual(await self.outcome(client.publish("", b"x")), Outcome.INVALID)
            self.assertEqual(await self.outcome(client.publish("c" * 513, b"x")), Outcome.INVALID)
            self.assertEqual(await self.outcome(client.publish("__hubrelay:x", b"x")), Outcome.INVALID)
            self.assertEqual(await self.outcome(client.publish("a", bytes(1025))), Outcome.INVALID)
            self.assertEqual(await self.outcome(client.subscribe()), Outcome.INVALID)
            self.assertEqual(await self.soon(client.publish("a", bytes(1024))), 0)

    async def test_a_frame_beyond_the_relays_bound_is_not_even_sent(self):
        async with self.client() as client:
            await self.up(client)
            self.assertEqual(await self.outcome(client.publish("a", bytes(1 << 20))), Outcome.INVALID)
            with self.assertRaises(hubrelay.HubrelayError):
                client.send("a", bytes(1 << 20))
            await self.soon(client.ping())

    async def test_a_publish_without_reply_that_is_wrong_is_counted(self):
        async with self.client() as client:
            await self.up(client)
            client.send("__hubrelay:x", b"x")
            loss = await self.event(client, Loss)
            self.assertEqual((loss.publishes, loss.publishes_unknown, loss.cause), (1, 0, hubrelay.Cause.INVALID))

    async def test_a_limit_on_subscriptions(self):
        async with self.client() as client:
            await self.up(client)
            await self.soon(client.subscribe("a", "b"))
            self.assertEqual(await self.outcome(client.subscribe("c", "d")), Outcome.LIMIT)
            self.assertEqual(await self.soon(client.subscribe("c")), Outcome.OK)
            for channel in "dcba":
                await self.soon(client.publish(channel, b"x"))
            self.assertEqual([channel for channel, _, _ in await self.messages(client, 3)], ["c", "b", "a"])

    async def test_a_channel_that_redis_refuses(self):
        self.redis.command("ACL", "SETUSER", "default", "resetchannels", "&t:__hubrelay:*", "&t:good")
        self.relay.kill()
        self.relay.start()
        async with self.client() as client:
            await self.up(client)
            with self.assertRaises(hubrelay.HubrelayError) as failure:
                await self.soon(client.subscribe("good", "bad"))
            self.assertEqual(failure.exception.outcome, Outcome.REFUSED)
            self.assertEqual(failure.exception.channels, ("bad",))
            self.assertIn("NOPERM", failure.exception.detail)
            self.assertEqual(await self.outcome(client.publish("bad", b"x")), Outcome.REFUSED)
            self.assertEqual(await self.soon(client.subscribe("good")), Outcome.OK)
            self.assertEqual(client.status.state, State.UP)


if __name__ == "__main__":
    unittest.main()
