"""Settings: lists of hosts that calls may reach are lists of hosts and ports."""

import pytest

from sampan.platform.settings import BadSetting, Settings, listed_places, read_settings


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("", set()),
        (" , ", set()),
        ("Hooks.Bank.internal", {("hooks.bank.internal", 443)}),
        ("a.internal:8443, 10.0.0.1:80,[fd00::1]:81", {("a.internal", 8443), ("10.0.0.1", 80), ("fd00::1", 81)}),
    ],
)
def test_a_list_of_hosts_has_their_ports(text: str, places: set[tuple[str, int]]) -> None:
    assert listed_places(text) == places


@pytest.mark.parametrize("text", ["a:", "a:0", "a:65536", "https://a", "a/b", "a b", "*.internal", "a:1:2", "ä:1"])
@pytest.mark.parametrize("name", ["SAMPAN_PRIVATE_HOSTS", "SAMPAN_WEBHOOK_PRIVATE_HOSTS"])
def test_what_is_no_host_is_refused_at_the_start(text: str, name: str) -> None:
    with pytest.raises(BadSetting, match="is no host with a port"):
        read_settings({name: f"good.internal:8443,{text}"})


def test_a_host_that_is_one_is_kept_as_it_was_written() -> None:
    assert read_settings({"SAMPAN_PRIVATE_HOSTS": "a.internal:1"}) == Settings(private_hosts="a.internal:1")
