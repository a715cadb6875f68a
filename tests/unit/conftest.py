"""How the properties are run: without a clock, so that a busy machine makes nothing red."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("gearmesh", deadline=None, print_blob=True)
settings.load_profile("gearmesh")
