"""The configuration: TOML into frozen structs, with all mistakes at once, each with its key and what was expected."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar, cast, get_args

import msgspec

from gearmesh.bridge import Bridge, SupportsRooms
from gearmesh.errors import ConfigInvalid, InvalidAddress
from gearmesh.model.address import APP_NAME, SYSTEM_APP, Address
from gearmesh.model.person import Disclosure, parse_handle
from gearmesh.plugins import Registry
from gearmesh.plugins import load as load_plugins
from gearmesh.secret import Secret

Port = Annotated[int, msgspec.Meta(ge=0, le=65535, description="a port from 0 (any free one) to 65535")]
Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="a name of A-Z, a-z, 0-9, _ and -")]
Url = Annotated[str, msgspec.Meta(pattern=r"^(https?://[^\s]+)?$", description="an address http://… or https://…")]
NatsUrl = Annotated[
    str, msgspec.Meta(pattern=r"^(nats|tls|ws|wss)://[^\s@]+$", description="nats://host:port, without credentials")
]
Prefix = Annotated[
    str,
    msgspec.Meta(pattern=r"^[a-z][a-z0-9-]{0,31}$", description="a letter, then letters, digits and -, all small"),
]
Record = TypeVar("Record", bound=msgspec.Struct)


class BrokerConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`[broker]`. `name` stands in hop lists: give each broker that exchanges messages with another its own."""

    name: Name = "main"
    log: Literal["text", "json"] = "text"
    drain: Annotated[float, msgspec.Meta(ge=0, le=300)] = 10.0


class NatsConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`[nats]`. Without `url`, our own nats-server is started in the data folder. Credentials do not go into `url`."""

    url: tuple[NatsUrl, ...] = ()
    seed: Secret | None = None
    user: str = ""
    password: Secret | None = None
    token: Secret | None = None
    ca_file: str = ""
    binary: str = ""
    data: str = ""
    prefix: Prefix = "gm"
    replicas: Annotated[int, msgspec.Meta(ge=1, le=5)] = 1


class WebConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`[web]`. `public_url` is where networks reach this server; without it files go as words."""

    host: str = "127.0.0.1"
    port: Port = 8080
    public_url: Url = ""


class MediaConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`[media]`. `max_size` and `max_store` in bytes: of one file, and of all that are kept (0: no bound).

    `links`: who gets a file that cannot be shown may get a link to it.
    """

    max_size: Annotated[int, msgspec.Meta(ge=1_000, le=2_000_000_000)] = 100_000_000
    max_store: Annotated[int, msgspec.Meta(ge=0, le=2**50)] = 10_000_000_000
    links: bool = True


class AppConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`[apps.<name>]`: the keys that every app has. The others are the bridge's own.

    `rate` is how many messages a second this app sends at most, and `recipient_every` how many seconds lie between two
    messages to one person; 0 for no bound, left out for the network's own.
    """

    bridge: str
    max_age: Annotated[float, msgspec.Meta(gt=0, le=7 * 24 * 3600)] = 24 * 3600.0
    on_unclear: Literal["resend", "park"] = "resend"
    unclear_wait: Annotated[float, msgspec.Meta(ge=0, le=300)] = 10.0
    rate: Annotated[float, msgspec.Meta(ge=0, le=100_000)] | None = None
    recipient_every: Annotated[float, msgspec.Meta(ge=0, le=24 * 3600)] | None = None


class PersonConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`[people.<handle>]`. Messages to the handle go to the first address that is not the sender's own.

    `receipts` is how much others learn of what became of their messages to this person, at most.
    """

    addresses: tuple[str, ...]
    name: str = ""
    receipts: Disclosure = "read"


class ConversationConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`[[conversations]]`: a group that people join by writing `join CODE`.

    `rooms` are rooms of networks that have any, as `app:room`: what is said in one is said in all.
    """

    code: Annotated[str, msgspec.Meta(pattern=r"^[\w-]{1,64}\Z", description="letters, digits, - and _, 64 at most")]
    title: Annotated[str, msgspec.Meta(max_length=100)] = ""
    rooms: tuple[str, ...] = ()


class ConfiguredApp(msgspec.Struct, frozen=True):
    """One app, its bridge's class and that bridge's own configuration."""

    config: AppConfig
    bridge: type[Bridge]
    settings: msgspec.Struct


class Config(msgspec.Struct, frozen=True):
    """All of it. `broken` are apps whose plugin cannot be used, and why: the others run without them."""

    broker: BrokerConfig
    nats: NatsConfig
    web: WebConfig
    media: MediaConfig
    apps: dict[str, ConfiguredApp]
    people: dict[str, PersonConfig]
    conversations: tuple[ConversationConfig, ...]
    broken: dict[str, str]


NATIVE: Final = "native"
"""The app of clients that speak NATS themselves: it needs no bridge here."""
TYPE_NAMES: Final = {
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "tuple": "a list",
    "object": "a table",
}
SECTIONS: Final = ("broker", "nats", "web", "media", "apps", "people", "conversations")
COMMON_KEYS: Final = tuple(field.encode_name for field in msgspec.structs.fields(AppConfig))


def read_file(path: Path) -> dict[str, Any]:
    """The tables of a TOML file.

    Raises:
        ConfigInvalid: it cannot be read, or is no TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigInvalid(
            [f"{path}: there is no such file; deploy/examples/gearmesh.toml is one to start from"]
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigInvalid([f"{path}: cannot be read ({type(error).__name__})"]) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigInvalid([f"{path}: no valid TOML: {error}"]) from None


def parse(tables: Mapping[str, Any], plugins: Callable[[set[str]], Registry] = load_plugins) -> Config:
    """The configuration in `tables`. Only the plugins that it names are imported.

    Raises:
        ConfigInvalid: all its mistakes.
    """
    reader = _Reader()
    for key in tables:
        if key not in SECTIONS:
            reader.unknown(key, SECTIONS)
    broker = reader.struct(BrokerConfig, tables.get("broker", {}), "broker")
    nats = _nats(reader, tables.get("nats", {}))
    web = reader.struct(WebConfig, tables.get("web", {}), "web")
    media = reader.struct(MediaConfig, tables.get("media", {}), "media")
    apps, broken = _apps(reader, tables.get("apps"), plugins)
    people = _people(reader, tables.get("people", {}), tables.get("apps"))
    conversations = _conversations(reader, tables.get("conversations", []), tables.get("apps"), apps)
    if reader.problems or broker is None or nats is None or web is None or media is None:
        raise ConfigInvalid(reader.problems)
    return Config(broker, nats, web, media, apps, people, conversations, broken)


def parse_nats(tables: Mapping[str, Any]) -> NatsConfig:
    """`[nats]` alone, for commands that need no more: a mistake elsewhere does not stop them.

    Raises:
        ConfigInvalid: its mistakes.
    """
    reader = _Reader()
    nats = _nats(reader, tables.get("nats", {}))
    if reader.problems or nats is None:
        raise ConfigInvalid(reader.problems)
    return nats


def _nats(reader: _Reader, table: object) -> NatsConfig | None:
    nats = reader.struct(NatsConfig, table, "nats")
    if nats and nats.url and (nats.binary or nats.data):
        reader.problems.append("nats: url names a server elsewhere; binary and data are for our own one")
    if nats and sum(bool(way) for way in (nats.seed, nats.user, nats.token)) > 1:
        reader.problems.append("nats: expected one of seed, user with password, or token")
    if nats and bool(nats.user) != (nats.password is not None):
        reader.problems.append("nats: user and password go together")
    return nats


def _apps(
    reader: _Reader, tables: object, plugins: Callable[[set[str]], Registry]
) -> tuple[dict[str, ConfiguredApp], dict[str, str]]:
    if not isinstance(tables, dict) or not tables:
        reader.problems.append("apps: expected at least one table [apps.<name>]")
        return {}, {}
    rows: dict[str, dict[str, Any]] = {}
    for name, table in tables.items():
        if not APP_NAME.fullmatch(name) or name in {SYSTEM_APP, NATIVE}:
            reader.problems.append(f"apps.{name}: expected a name of A-Z, a-z, 0-9, _ and -, not gearmesh or native")
        elif not isinstance(table, dict):
            reader.problems.append(f"apps.{name}: expected a table")
        else:
            rows[name] = table
    wanted = {table["bridge"] for table in rows.values() if isinstance(table.get("bridge"), str)}
    registry = plugins(wanted)
    faults = {problem.plugin: str(problem) for problem in registry.problems}
    apps: dict[str, ConfiguredApp] = {}
    broken: dict[str, str] = {}
    for name, table in rows.items():
        path = f"apps.{name}"
        common = {key: value for key, value in table.items() if key in COMMON_KEYS}
        config = reader.struct(AppConfig, common, path)
        network = table.get("bridge")
        if not isinstance(network, str):
            continue
        bridge = registry.bridges.get(network)
        if bridge is None and network in faults:
            broken[name] = faults[network]
            continue
        if bridge is None:
            offered = ", ".join(registry.available) or "none; install one, for example gearmesh-meta"
            reader.problems.append(f"{path}.bridge: no plugin offers {network!r}; installed: {offered}")
            continue
        own = {key: value for key, value in table.items() if key not in COMMON_KEYS}
        settings = reader.struct(bridge.Config, own, path, also=COMMON_KEYS)
        if config is not None and settings is not None:
            apps[name] = ConfiguredApp(config, bridge, settings)
    if broken and not apps:
        reader.problems.extend(broken.values())
    return apps, broken


def _people(reader: _Reader, tables: object, apps: object) -> dict[str, PersonConfig]:
    if not isinstance(tables, dict):
        reader.problems.append("people: expected tables [people.<handle>]")
        return {}
    people: dict[str, PersonConfig] = {}
    for handle, table in tables.items():
        path = f"people.{handle}"
        person = reader.struct(PersonConfig, table, path)
        try:
            handle = parse_handle(handle)
        except InvalidAddress as error:
            reader.problems.append(f"{path}: {error}")
        addresses = table.get("addresses") if isinstance(table, dict) else None
        for number, text in enumerate(addresses if isinstance(addresses, list) else ()):
            if not isinstance(text, str):
                continue  # the struct has complained
            try:
                address = Address.parse(text)
                if isinstance(apps, dict) and address.app not in {*apps, NATIVE}:
                    reader.problems.append(f"{path}.addresses[{number}]: no app is named {address.app}")
            except InvalidAddress as error:
                reader.problems.append(f"{path}.addresses[{number}]: {error}")
        if handle in people:
            reader.problems.append(f"{path}: @{handle} is there already; handles are the same in any case")
        elif person is not None:
            people[handle] = person
    return people


def _conversations(
    reader: _Reader, tables: object, named: object, apps: Mapping[str, ConfiguredApp]
) -> tuple[ConversationConfig, ...]:
    if not isinstance(tables, list):
        reader.problems.append("conversations: expected tables [[conversations]]")
        return ()
    found: list[ConversationConfig] = []
    codes: set[str] = set()
    linked: dict[str, str] = {}
    for number, table in enumerate(tables):
        path = f"conversations[{number}]"
        conversation = reader.struct(ConversationConfig, table, path)
        if conversation is None:
            continue
        if conversation.code.casefold() in codes:
            reader.problems.append(f"{path}.code: {conversation.code} is there already; codes are the same in any case")
        if not conversation.title.isprintable() or conversation.title.isspace():
            reader.problems.append(f"{path}.title: expected one line that can be read")
        codes.add(conversation.code.casefold())
        for place, text in enumerate(conversation.rooms):
            where = f"{path}.rooms[{place}]"
            try:
                room = Address.parse(text)
            except InvalidAddress as error:
                reader.problems.append(f"{where}: {error}")
                continue
            app = apps.get(room.app)
            if isinstance(named, dict) and room.app not in named:
                reader.problems.append(f"{where}: no app is named {room.app}")
            elif app is not None and not issubclass(app.bridge, SupportsRooms):
                reader.problems.append(f"{where}: {app.bridge.title} has no rooms")
            if before := linked.get(text):
                reader.problems.append(f"{where}: {text} is linked to {before} already")
            linked[text] = conversation.code
        found.append(conversation)
    return tuple(found)


class _Reader:
    """Fills structs from tables and collects what is wrong."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def unknown(self, path: str, known: tuple[str, ...]) -> None:
        close = difflib.get_close_matches(path.rpartition(".")[2], known, 1)
        hint = f"; did you mean {close[0]}?" if close else f"; known here: {', '.join(known)}"
        self.problems.append(f"{path}: unknown key{hint}")

    def struct(self, kind: type[Record], table: object, path: str, also: tuple[str, ...] = ()) -> Record | None:
        """The struct, or None when anything in it is wrong. `also` are keys that are known but read elsewhere."""
        if not isinstance(table, dict):
            self.problems.append(f"{path}: expected a table")
            return None
        fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
        before = len(self.problems)
        for key in table:
            if key not in fields:
                self.unknown(f"{path}.{key}", (*fields, *also))
        values: dict[str, Any] = {}
        for key, field in fields.items():
            if key in table:
                try:
                    values[field.name] = msgspec.convert(table[key], field.type, dec_hook=_secret)
                except (msgspec.ValidationError, ValueError) as error:
                    self.problems.append(f"{path}.{key}: {_described(field.type) or _tidy(str(error))}")
            elif field.required:
                self.problems.append(f"{path}.{key}: missing; expected {_expected(field.type)}")
        if len(self.problems) > before:
            return None
        try:
            return kind(**values)
        except (ValueError, TypeError) as error:  # from the struct's own __post_init__
            self.problems.append(f"{path}: {error}")
            return None


def _secret(kind: type, value: object) -> object:
    if kind is Secret:
        return Secret.read(value)
    raise msgspec.ValidationError(f"expected {kind.__name__}")


def _tidy(message: str) -> str:
    """msgspec's message in our words: what was expected first, nothing of its notation."""
    message = re.sub(r" - at `\$[^`]*`$", "", message)
    for name, words in TYPE_NAMES.items():
        message = message.replace(f"`{name}`", words)
    return message[:1].lower() + message[1:].replace("`", "")


def _described(kind: Any) -> str:
    """What is expected, where the type itself says so: for patterns nobody should have to read."""
    kinds = (kind, *get_args(kind))
    described = (meta.description for part in kinds for meta in getattr(part, "__metadata__", ()))
    return next((f"expected {words}" for words in described if words), "")


def _expected(kind: Any) -> str:
    if kind is Secret:
        return "a secret: env:NAME or file:PATH"
    if described := _described(kind):
        return described.removeprefix("expected ")
    origin = getattr(kind, "__origin__", kind)
    name = cast("str", getattr(origin, "__name__", str(kind)))
    return TYPE_NAMES.get(name, name)
