"""What networks show, asked of their bridges without connecting anywhere."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn, get_args, get_origin

import msgspec
import structlog

from gearmesh import plugins
from gearmesh.bridge import Bridge, Status, SupportsGhosts
from gearmesh.cli.operator import DEFAULT
from gearmesh.config import parse, read_file
from gearmesh.errors import BusUnavailable, ConfigInvalid
from gearmesh.model.capabilities import Capabilities
from gearmesh.model.content import MediaRef
from gearmesh.model.events import Event
from gearmesh.secret import Secret

if TYPE_CHECKING:
    import aiohttp

SAMPLE_URL: Final = "https://gearmesh.example"
"""Stands for the public URL, where no configuration says it."""


class Network(msgspec.Struct, frozen=True):
    """One app, or one network that could be one: its name, how people call it, what it shows.

    `attribute`: texts must say who wrote. `public_url` is where networks would fetch files; "" for nowhere.
    """

    name: str
    title: str
    capabilities: Capabilities
    attribute: bool
    public_url: str


class Networks(msgspec.Struct, frozen=True):
    """What was found, and what is wrong with the rest: its name and the reason."""

    found: tuple[Network, ...]
    problems: tuple[str, ...]


def networks(config: Path | None) -> Networks:
    """The configured apps; without a configuration, and where none lies here, the networks of all installed plugins.

    Raises:
        ConfigInvalid: the configuration's mistakes.
    """
    if config is not None or DEFAULT.exists():
        return _configured(config or DEFAULT)
    registry = plugins.load()
    problems = [str(problem) for problem in registry.problems]
    found: list[Network] = []
    for name, bridge in sorted(registry.bridges.items()):
        try:
            found.append(_asked(name, bridge, _stand_in(bridge.Config), SAMPLE_URL))
        except Exception as error:  # a plugin's own code, without the settings that it counts on
            problems.append(f"{name} does not tell without a configuration ({type(error).__name__}: {error})")
    return Networks(tuple(found), tuple(problems))


def _configured(path: Path) -> Networks:
    config = parse(read_file(path))
    problems = [f"apps.{name}: {reason}" for name, reason in config.broken.items()]
    found: list[Network] = []
    for name, app in config.apps.items():
        try:
            found.append(_asked(name, app.bridge, app.settings, config.web.public_url))
        except Exception as error:  # one app must not hide the others
            problems.append(f"apps.{name}: its bridge fails ({type(error).__name__}: {error})")
    return Networks(tuple(found), tuple(problems))


def _asked(name: str, bridge: type[Bridge], settings: msgspec.Struct, public_url: str) -> Network:
    made = bridge(settings, OfflineContext(name))
    return Network(name, bridge.title, made.capabilities(""), not isinstance(made, SupportsGhosts), public_url)


def _stand_in(config: type[msgspec.Struct]) -> msgspec.Struct:
    """Settings with something in every key that has no default: none of it is used, since nothing connects."""
    required = (field for field in msgspec.structs.fields(config) if field.required)
    return config(**{field.name: _something(field.type) for field in required})


def _something(kind: Any) -> object:
    kind = getattr(kind, "__origin__", kind) if hasattr(kind, "__metadata__") else kind
    if kind is Secret:
        return Secret("none")
    if get_args(kind) and get_origin(kind) not in {tuple, list, dict}:
        return get_args(kind)[0]  # the first of a `Literal`
    origin = get_origin(kind) or kind
    return origin() if origin in {str, int, float, bool, tuple, list, dict} else None


class OfflineContext:
    """A `BridgeContext` that is made to be asked for capabilities and nothing else: all the rest is refused."""

    def __init__(self, app: str) -> None:
        self.app = app
        self.log: structlog.typing.FilteringBoundLogger = structlog.get_logger("gearmesh.app").bind(app=app)

    @property
    def http(self) -> aiohttp.ClientSession:
        """There is none.

        Raises:
            BusUnavailable: always.
        """
        self._refuse()

    async def receive(self, *events: Event) -> None:
        """Refused."""
        self._refuse()

    async def status(self, status: Status, detail: str = "") -> None:
        """Refused."""
        self._refuse()

    def now(self) -> float:
        """The epoch: nothing is timed here."""
        return 0.0

    def media_link(self, ref: MediaRef) -> str:
        """No link."""
        return ""

    def media(self, ref: MediaRef) -> AsyncIterator[bytes]:
        """Refused."""
        self._refuse()

    async def keep(self, key: str, value: str) -> None:
        """Refused."""
        self._refuse()

    async def recall(self, key: str) -> str:
        """Refused."""
        self._refuse()

    async def recall_all(self, group: str = "") -> Mapping[str, str]:
        """Refused."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise BusUnavailable("this command connects nowhere")


def chosen(name: str, there: Networks) -> Network:
    """The one of this name.

    Raises:
        ConfigInvalid: there is none.
    """
    for network in there.found:
        if network.name == name:
            return network
    names = ", ".join(network.name for network in there.found) or "none"
    raise ConfigInvalid([f"there is no app {name}; known here: {names}", *there.problems])
