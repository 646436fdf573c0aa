"""The app of docs/litestar.md."""
import os
import unittest

import rooms

FOLDER = os.path.dirname(os.path.abspath(__file__))


class Page(rooms.PageTest):
    page = os.path.join(FOLDER, "../../../proto/clients/python/docs/litestar.md")


if __name__ == "__main__":
    unittest.main()
