"""A client for each event loop, of several threads."""
import asyncio
import sys
import threading
import unittest

from hubrelay.asyncio_client import AsyncClient
from hubrelay.loops import LoopClients


class LoopsTest(unittest.TestCase):
    def test_threads_whose_loops_come_and_go(self):
        clients = LoopClients(lambda: AsyncClient("/nobody/listens.sock"))
        found, errors = [], []

        async def use():
            found.append(clients.here())

        def run():
            try:
                for _ in range(100):
                    asyncio.run(use())
            except Exception as error:
                errors.append(error)
        before = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)
        try:
            threads = [threading.Thread(target=run) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            sys.setswitchinterval(before)
        self.assertEqual(errors, [])
        self.assertEqual(len({id(client) for client in found}), 400, "each loop has a client of its own")
