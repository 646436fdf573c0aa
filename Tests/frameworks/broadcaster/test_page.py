"""The app of docs/broadcaster.md."""
import os
import unittest

import rooms

FOLDER = os.path.dirname(os.path.abspath(__file__))


class Page(rooms.PageTest):
    page = os.path.join(FOLDER, "../../../proto/clients/python/docs/broadcaster.md")


if __name__ == "__main__":
    unittest.main()
