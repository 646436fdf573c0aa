"""Django's settings for tests in this process: an app `page`, with a database of its own."""
import atexit
import os
import shutil
import sys
import tempfile
import types

import django
from django.conf import settings

_FOLDER = tempfile.mkdtemp(prefix="hubrelay-")
_OWNER = os.getpid()


@atexit.register
def _remove():
    if os.getpid() == _OWNER:
        shutil.rmtree(_FOLDER)


#: The app's package, in which tests put the code of the documentation.
page = types.ModuleType("page")
page.__path__ = [_FOLDER]
sys.modules["page"] = page

settings.configure(CHANNEL_LAYERS={}, INSTALLED_APPS=["page"], DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
                   DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3",
                                          "NAME": os.path.join(_FOLDER, "database"), "OPTIONS": {"timeout": 60}}})
django.setup()
