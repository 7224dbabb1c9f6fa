"""What docker keeps of a container."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from certaudit.parsers.container_config import Container, parse_container

CONFIG = {
    "ID": "0123",
    "Name": "/web-certbot-1",
    "State": {"Running": False},
    "Config": {
        "Image": "certbot/certbot",
        "Entrypoint": ["sh", "-c", "certbot renew"],
        "Cmd": None,
    },
}


def host(policy: str) -> str:
    return json.dumps({"RestartPolicy": {"Name": policy, "MaximumRetryCount": 0}})


def test_name_image_and_command_are_read() -> None:
    found = parse_container(json.dumps(CONFIG), host("unless-stopped"))
    assert found == Container("web-certbot-1", "certbot/certbot", "sh -c certbot renew", stays=True)


def test_one_that_ended_and_is_not_started_again_does_not_stay() -> None:
    found = parse_container(json.dumps(CONFIG), host("no"))
    assert found is not None
    assert not found.stays
    running = parse_container(json.dumps({**CONFIG, "State": {"Running": True}}), host("no"))
    assert running is not None
    assert running.stays


KEYS = st.sampled_from(["Config", "State", "Name", "Entrypoint", "RestartPolicy"])
NESTED = st.recursive(st.none() | st.text(), lambda x: st.lists(x) | st.dictionaries(KEYS, x))


@given(st.text() | NESTED.map(json.dumps))
def test_any_text_reads_as_something(text: str) -> None:
    found = parse_container(text, text)
    assert found is None or isinstance(found.name, str)
