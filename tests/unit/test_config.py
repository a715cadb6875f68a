"""The configuration: what is read, and all that is wrong with it at once."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest

from gearmesh import Bridge, Capabilities, Delivery, Limit, Secret, Sent
from gearmesh.config import Config, parse, read_file
from gearmesh.errors import ConfigInvalid, PluginInvalid
from gearmesh.plugins import Registry

ROOT = Path(__file__).parents[2]
VALUE = "hunter2-hunter2"


class PigeonConfig(msgspec.Struct, frozen=True, kw_only=True):
    """A bridge's own keys."""

    token: Secret
    loft: str
    speed: int = 80


class Pigeon(Bridge):
    """A bridge that carries nothing."""

    network: ClassVar[str] = "pigeon"
    title: ClassVar[str] = "Pigeon Post"
    api: ClassVar[int] = 1
    Config: ClassVar[type[msgspec.Struct]] = PigeonConfig

    def capabilities(self, thread: str) -> Capabilities:
        return Capabilities(Limit(100, "characters", "the ring on its leg"))

    def parse_address(self, text: str) -> str:
        return text

    def format_address(self, user: str) -> str:
        return user

    async def run(self) -> None:
        return

    async def send(self, delivery: Delivery) -> Sent:
        return Sent((delivery.id,))


class Plugins:
    """What stands for the installed plugins, and remembers which of them were asked for."""

    def __init__(self, *problems: PluginInvalid) -> None:
        self.problems = list(problems)
        self.wanted: list[set[str]] = []

    def __call__(self, wanted: set[str]) -> Registry:
        self.wanted.append(wanted)
        bridges: dict[str, type[Bridge]] = {"pigeon": Pigeon} if "pigeon" in wanted else {}
        return Registry(bridges=bridges, problems=self.problems, available=("owl", "pigeon"))


RIGHT: dict[str, Any] = {
    "apps": {"post": {"bridge": "pigeon", "token": f"plain:{VALUE}", "loft": "roof"}},
    "people": {"ada": {"addresses": ["post:7"], "name": "Ada"}},
}


def with_changes(changes: dict[str, Any], tables: dict[str, Any] = RIGHT) -> dict[str, Any]:
    """A right configuration with values at paths such as `apps/post/loft` changed; None takes a key away."""
    changed = copy.deepcopy(tables)
    for path, value in changes.items():
        *folders, key = path.split("/")
        table = changed
        for folder in folders:
            table = table.setdefault(folder, {})
        if value is None:
            del table[key]
        else:
            table[key] = value
    return changed


def problems(changes: dict[str, Any]) -> tuple[str, ...]:
    """What is wrong with a configuration with these changes."""
    with pytest.raises(ConfigInvalid) as raised:
        parse(with_changes(changes), Plugins())
    assert str(raised.value) == "\n".join(raised.value.problems)
    return raised.value.problems


class TestReading:
    def test_given_the_least_there_is_the_defaults_are_the_rest(self) -> None:
        config = parse({"apps": RIGHT["apps"]}, Plugins())
        assert (config.broker.name, config.broker.log, config.broker.drain) == ("main", "text", 10.0)
        assert (config.nats.url, config.nats.prefix, config.nats.replicas) == ((), "gm", 1)
        assert (config.web.host, config.web.port, config.web.public_url) == ("127.0.0.1", 8080, "")
        app = config.apps["post"]
        assert (app.config.max_age, app.config.on_unclear) == (24 * 3600.0, "resend")
        assert app.bridge is Pigeon
        assert app.settings == PigeonConfig(token=Secret(VALUE), loft="roof")
        assert config.people == {}

    def test_given_every_key_each_is_where_it_belongs(self) -> None:
        changes = {
            "broker": {"name": "b-1", "log": "json", "drain": 0},
            "nats": {"url": ["tls://a:4222", "nats://b"], "seed": "plain:SU", "prefix": "my-gm", "replicas": 3},
            "web": {"host": "0.0.0.0", "port": 0, "public_url": "https://x"},
            "apps/post/max_age": 60,
            "apps/post/on_unclear": "park",
            "apps/post/speed": 90,
        }
        config = parse(with_changes(changes), Plugins())
        assert (config.broker.name, config.broker.log, config.broker.drain) == ("b-1", "json", 0.0)
        assert config.nats.url == ("tls://a:4222", "nats://b")
        assert config.nats.seed == Secret("SU")
        assert (config.nats.prefix, config.nats.replicas) == ("my-gm", 3)
        assert (config.web.host, config.web.port, config.web.public_url) == ("0.0.0.0", 0, "https://x")
        assert (config.apps["post"].config.max_age, config.apps["post"].config.on_unclear) == (60.0, "park")
        assert config.apps["post"].settings == PigeonConfig(token=Secret(VALUE), loft="roof", speed=90)
        assert config.people["ada"].addresses == ("post:7",)

    def test_given_a_handle_in_capitals_it_is_stored_as_handles_are(self) -> None:
        config = parse(with_changes({"people": {"Ada": {"addresses": ["post:7"]}}}), Plugins())
        assert list(config.people) == ["ada"]

    def test_given_several_apps_of_one_bridge_its_plugin_is_asked_for_once_and_no_other(self) -> None:
        plugins = Plugins()
        parse(with_changes({"apps/second": RIGHT["apps"]["post"]}), plugins)
        assert plugins.wanted == [{"pigeon"}]

    def test_given_the_example_of_the_three_networks_it_is_right(self) -> None:
        config = parse(read_file(ROOT / "deploy" / "examples" / "sandbox.toml"))
        assert set(config.apps) == {"whatsapp", "messenger", "instagram"}
        assert {name: app.bridge.network for name, app in config.apps.items()} == {name: name for name in config.apps}
        assert set(config.people) == {"ada", "ben", "cleo"}


WRONG = [
    pytest.param({"brokr": {}}, "brokr: unknown key; did you mean broker?", id="a table misspelt"),
    pytest.param(
        {"zzz": {}}, "zzz: unknown key; known here: broker, nats, web, media, apps, people", id="no such table"
    ),
    pytest.param({"broker/nme": "x"}, "broker.nme: unknown key; did you mean name?", id="a key misspelt"),
    pytest.param({"broker/zzz": 1}, "broker.zzz: unknown key; known here: name, log, drain", id="no such key"),
    pytest.param({"broker": 5}, "broker: expected a table", id="a number for a table"),
    pytest.param({"broker/name": 5}, "broker.name: expected a name of A-Z", id="a number as a name"),
    pytest.param({"broker/name": "a b"}, "broker.name: ", id="a name with a space"),
    pytest.param({"broker/log": "txet"}, "broker.log: invalid enum value 'txet'", id="no such log format"),
    pytest.param({"broker/drain": 301}, "broker.drain: expected a number <= 300.0", id="a drain too long"),
    pytest.param({"nats/url": ["http://x"]}, "nats.url: ", id="a URL of another scheme"),
    pytest.param({"nats/prefix": "GM"}, "nats.prefix: ", id="a prefix in capitals"),
    pytest.param({"nats/replicas": 0}, "nats.replicas: expected a whole number >= 1", id="no replica"),
    pytest.param(
        {"nats": {"url": ["nats://x"], "data": "y"}},
        "nats: url names a server elsewhere; binary and data are for our own one",
        id="a server elsewhere with our own one's data",
    ),
    pytest.param(
        {"nats": {"token": "plain:a", "user": "b", "password": "plain:c"}},
        "nats: expected one of seed, user with password, or token",
        id="two ways to log in",
    ),
    pytest.param({"web/port": 65536}, "web.port: expected a port from 0", id="a port too large"),
    pytest.param({"web/port": True}, "web.port: expected a port from 0", id="true for a port"),
    pytest.param({"web/public_url": "ftp://x"}, "web.public_url: ", id="a public URL of another scheme"),
    pytest.param({"apps": None}, "apps: expected at least one table [apps.<name>]", id="no apps"),
    pytest.param({"apps": {}}, "apps: expected at least one table [apps.<name>]", id="an empty table of apps"),
    pytest.param({"apps/native": {"bridge": "pigeon"}}, "apps.native: expected a name of", id="an app named native"),
    pytest.param({"apps/gearmesh": {}}, "apps.gearmesh: expected a name of", id="an app named gearmesh"),
    pytest.param({"apps/a b": {}}, "apps.a b: expected a name of", id="an app with a space in its name"),
    pytest.param({"apps/x": 5}, "apps.x: expected a table", id="a number for an app"),
    pytest.param({"apps/x": {}}, "apps.x.bridge: missing; expected a text", id="an app without a bridge"),
    pytest.param({"apps/x": {"bridge": 5}}, "apps.x.bridge: expected a text", id="a number for a bridge"),
    pytest.param(
        {"apps/x": {"bridge": "pidgeon"}},
        "apps.x.bridge: no plugin offers 'pidgeon'; installed: owl, pigeon",
        id="a bridge that no plugin offers",
    ),
    pytest.param({"apps/post/max_age": 0}, "apps.post.max_age: expected a number > 0.0", id="an age of nothing"),
    pytest.param(
        {"apps/post/on_unclear": "x"}, "apps.post.on_unclear: invalid enum value 'x'", id="an unclear unclear"
    ),
    pytest.param({"apps/post/loft": None}, "apps.post.loft: missing; expected a text", id="a bridge's key missing"),
    pytest.param(
        {"apps/post/lofd": "x"}, "apps.post.lofd: unknown key; did you mean loft?", id="a bridge's key misspelt"
    ),
    pytest.param({"apps/post/max_ago": 1}, "apps.post.max_ago: unknown key; did you mean max_age?", id="a common key"),
    pytest.param(
        {"apps/post/token": None},
        "apps.post.token: missing; expected a secret: env:NAME or file:PATH",
        id="a secret missing",
    ),
    pytest.param(
        {"apps/post/token": VALUE},
        "apps.post.token: expected env:NAME, file:PATH or plain:VALUE",
        id="a secret written down as it is",
    ),
    pytest.param(
        {"apps/post/token": "env:GEARMESH_NOT_SET"},
        "apps.post.token: the environment variable GEARMESH_NOT_SET is not set",
        id="a secret in a variable that is not set",
    ),
    pytest.param({"people": 5}, "people: expected tables [people.<handle>]", id="a number for people"),
    pytest.param({"people/ben": 5}, "people.ben: expected a table", id="a number for a person"),
    pytest.param({"people/ben": {}}, "people.ben.addresses: missing; expected ", id="a person without addresses"),
    pytest.param(
        {"people/b n": {"addresses": []}}, "people.b n: 'b n' is no address; expected a handle", id="a handle"
    ),
    pytest.param({"people/ada/addresses": "post:7"}, "people.ada.addresses: expected a list", id="no list"),
    pytest.param({"people/ada/addresses": ["7"]}, "people.ada.addresses[0]: '7' is no address", id="no address"),
    pytest.param(
        {"people/ada/addresses": ["post:7", "owl:8"]},
        "people.ada.addresses[1]: no app is named owl",
        id="an address on an app that does not exist",
    ),
]


class TestMistakes:
    @pytest.mark.parametrize(("changes", "said"), WRONG)
    def test_given_one_mistake_its_line_has_the_key_and_what_was_expected(
        self, changes: dict[str, Any], said: str
    ) -> None:
        found = [problem for problem in problems(changes) if problem.startswith(said)]
        assert len(found) == 1, problems(changes)

    @pytest.mark.parametrize(("changes", "said"), WRONG)
    def test_given_one_mistake_nothing_else_is_complained_about(self, changes: dict[str, Any], said: str) -> None:
        found = problems(changes)
        # Without its app, the address of the one person is wrong too.
        assert [problem for problem in found if not problem.startswith("people.ada.addresses[0]: no app")] == [
            problem for problem in found if problem.startswith(said)
        ]

    def test_given_mistakes_everywhere_all_are_named_at_once(self) -> None:
        found = problems(
            {
                "brokr": {},
                "broker": {"nme": "x", "drain": -1},
                "nats/replicas": 9,
                "web": 5,
                "apps/native": {},
                "apps/x": {"bridge": "owll"},
                "apps/post/lofd": "x",
                "apps/post/loft": None,
                "apps/post/token": "x",
                "people/b n": {"addresses": ["7"]},
            }
        )
        assert {problem.partition(": ")[0] for problem in found} >= {
            "brokr",
            "broker.nme",
            "broker.drain",
            "nats.replicas",
            "web",
            "apps.native",
            "apps.x.bridge",
            "apps.post.lofd",
            "apps.post.loft",
            "apps.post.token",
            "people.b n",
            "people.b n.addresses[0]",
        }

    def test_given_a_mistake_in_a_common_key_the_bridge_s_own_mistakes_are_named_too(self) -> None:
        found = problems({"apps/post/max_age": -1, "apps/post/loft": None, "apps/post/sped": 1})
        assert {problem.partition(": ")[0] for problem in found} == {
            "apps.post.max_age",
            "apps.post.loft",
            "apps.post.sped",
        }

    def test_given_a_mistake_in_one_key_of_a_person_their_addresses_are_looked_at_too(self) -> None:
        found = problems({"people/ada": {"addresses": ["post:7", "nowhere"], "nme": "Ada"}})
        assert {problem.partition(": ")[0] for problem in found} == {"people.ada.nme", "people.ada.addresses[1]"}

    def test_given_two_people_whose_handles_are_the_same_in_lower_case_neither_is_lost_in_silence(self) -> None:
        found = problems({"people/Ada": {"addresses": ["post:8"]}})
        assert any(problem.startswith(("people.Ada: ", "people.ada: ")) for problem in found)

    def test_given_mistakes_in_groups_each_is_named(self) -> None:
        groups = [
            {"code": "chess"},
            {"code": "Chess"},
            {"code": "no code", "titel": "x"},
            {"code": "rooms", "rooms": ["post:#loft", "nowhere:#x", "none"]},
        ]
        assert {problem.partition(": ")[0] for problem in problems({"conversations": groups})} == {
            "conversations[1].code",
            "conversations[2].code",
            "conversations[2].titel",
            "conversations[3].rooms[0]",
            "conversations[3].rooms[1]",
            "conversations[3].rooms[2]",
        }
        assert problems({"conversations": {}}) == ("conversations: expected tables [[conversations]]",)

    def test_given_a_mistake_in_an_app_then_its_rooms_are_none(self) -> None:
        found = problems({"apps/post/max_age": -1, "conversations": [{"code": "rooms", "rooms": ["post:#loft"]}]})
        assert {problem.partition(": ")[0] for problem in found} == {"apps.post.max_age"}

    def test_given_that_no_plugin_can_be_used_it_is_a_mistake(self) -> None:
        def plugins(wanted: set[str]) -> Registry:
            return Registry(problems=[PluginInvalid("pigeon", "cannot be imported")], available=("pigeon",))

        with pytest.raises(ConfigInvalid) as raised:
            parse(RIGHT, plugins)
        assert raised.value.problems == ("plugin pigeon: cannot be imported",)


class TestSecrets:
    @pytest.fixture(params=["plain", "env", "file"])
    def reference(self, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
        """The secret, named in each of the ways."""
        monkeypatch.setenv("GEARMESH_TEST_TOKEN", VALUE)
        (tmp_path / "token").write_text(f"{VALUE}\n")
        return {"plain": f"plain:{VALUE}", "env": "env:GEARMESH_TEST_TOKEN", "file": f"file:{tmp_path}/token"}[
            request.param
        ]

    def test_given_secrets_they_are_read_and_never_printed(self, reference: str) -> None:
        changes = {
            "apps/post/token": reference,
            "nats": {"url": ["nats://x"], "user": "u", "password": reference},
        }
        config = parse(with_changes(changes), Plugins())
        assert config.nats.password is not None
        assert config.nats.password.reveal() == VALUE
        assert_never_shown(config)

    def test_given_secrets_and_mistakes_beside_them_the_error_shows_none(self, reference: str) -> None:
        changes = {
            "apps/post/token": reference,
            "apps/post/tokn": reference,
            "apps/post/loft": 5,
            "apps/x": {"bridge": "pigeon", "token": [reference], "loft": "y", "secret": VALUE},
            "nats": {"seed": reference, "token": reference, "pasword": VALUE, "password": VALUE},
        }
        with pytest.raises(ConfigInvalid) as raised:
            parse(with_changes(changes), Plugins())
        for shown in (str(raised.value), repr(raised.value), *raised.value.problems):
            assert VALUE not in shown


def assert_never_shown(config: Config) -> None:
    """No way of printing the configuration, or anything in it, shows the secret."""
    waiting: list[object] = [config]
    while waiting:
        value = waiting.pop()
        assert VALUE not in str(value)
        assert VALUE not in repr(value)
        if isinstance(value, msgspec.Struct):
            waiting.extend(getattr(value, field.name) for field in msgspec.structs.fields(value))
        elif isinstance(value, dict):
            waiting.extend(value.values())
