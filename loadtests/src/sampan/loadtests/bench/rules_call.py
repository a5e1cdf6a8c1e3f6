"""Evaluates one rule for many people with one engine, and prints what that cost: run by the bench `rules`.

The rule has four conditions and a percentage. Every evaluation builds its context from plain values, as a request
would. Who is reached is printed too, so that the bench can compare the engines.
"""

import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

from sampan.platform.audience.buckets import UNLEASH_STEPS
from sampan.platform.audience.facts import Facts
from sampan.platform.audience.rules import Bucketing, compile_rule
from sampan.platform.identity.tiers import BY_LABEL

PEOPLE = 2_000
PERCENT = 40
SALT = "bench.rules"
PLATFORMS, REGIONS = ["ios", "android"], ["cn-31", "cn-11", "cn-44"]
TIERS = ["e_account", "full"]
OLDEST = "1.4.0"
Person = dict[str, str]


def people() -> list[Person]:
    """Return the same people in every process."""
    draw = random.Random(7)  # noqa: S311 - repeatable, not secret
    return [
        {
            "id": f"dev_{draw.getrandbits(128):032x}",
            "platform": draw.choice([*PLATFORMS, "web"]),
            "region": draw.choice([*REGIONS, "cn-50"]),
            "tier": draw.choice([*TIERS, "registered"]),
            "version": f"1.{draw.randrange(3, 9)}.{draw.randrange(5)}",
        }
        for _ in range(PEOPLE)
    ]


def ours() -> Callable[[Person], bool]:
    """Return our own engine, in the places of Unleash."""
    rule = {
        "all": [
            {"attr": "platform", "op": "in", "values": PLATFORMS},
            {"attr": "region", "op": "in", "values": REGIONS},
            {"attr": "tier", "op": "in", "values": TIERS},
            {"attr": "app_version", "op": "at_least", "values": [OLDEST]},
            {"attr": "percentage", "op": "below", "values": [PERCENT * 100]},
        ]
    }
    matches = compile_rule(rule, Bucketing(SALT, steps=UNLEASH_STEPS)).matches

    def evaluate(person: Person) -> bool:
        return matches(
            Facts(
                tier=BY_LABEL[person["tier"]],
                device=person["id"],
                platform=person["platform"].lower(),
                app_version=person["version"],
                region=person["region"].lower(),
            )
        )

    return evaluate


def _state() -> dict[str, Any]:
    constraints = [
        {"contextName": "platform", "operator": "IN", "values": PLATFORMS},
        {"contextName": "region", "operator": "IN", "values": REGIONS},
        {"contextName": "tier", "operator": "IN", "values": TIERS},
        {"contextName": "version", "operator": "SEMVER_LT", "value": OLDEST, "inverted": True},
    ]
    parameters = {"rollout": str(PERCENT), "stickiness": "userId", "groupId": SALT}
    strategy = {"name": "flexibleRollout", "parameters": parameters, "constraints": constraints}
    return {"version": 2, "features": [{"name": "it", "enabled": True, "strategies": [strategy]}]}


def unleash() -> Callable[[Person], bool]:
    """Return Unleash's Python client, from a file and without a server."""
    from UnleashClient import UnleashClient  # type: ignore[attr-defined] # it names no exports
    from UnleashClient.cache import FileCache

    cache = FileCache("bench", directory=tempfile.mkdtemp(prefix="sampan-bench-"))
    cache.bootstrap_from_dict(_state())
    client = UnleashClient(
        "http://127.0.0.1:9/api", "bench", cache=cache, disable_metrics=True, disable_registration=True
    )
    client.initialize_client(fetch_toggles=False)

    def evaluate(person: Person) -> bool:
        context = {
            "userId": person["id"],
            "properties": {name: person[name] for name in ("platform", "region", "tier", "version")},
        }
        return bool(client.is_enabled("it", context))

    return evaluate


def growthbook() -> Callable[[Person], bool]:
    """Return GrowthBook's client; its attributes are replaced for each person. It draws its own places."""
    from growthbook import GrowthBook

    condition = {
        "platform": {"$in": PLATFORMS},
        "region": {"$in": REGIONS},
        "tier": {"$in": TIERS},
        "version": {"$vgte": OLDEST},
    }
    rule = {"condition": condition, "force": True, "coverage": PERCENT / 100, "hashAttribute": "id", "seed": SALT}
    client = GrowthBook(features={"it": {"defaultValue": False, "rules": [rule]}})

    def evaluate(person: Person) -> bool:
        client.set_attributes(dict(person))
        return bool(client.is_on("it"))

    return evaluate


ENGINES = {"ours": ours, "unleash": unleash, "growthbook": growthbook}


def main(engine: str, calls: int) -> dict[str, Any]:
    """Return CPU milliseconds of one evaluation, and the numbers of the people who were reached."""
    everyone, evaluate = people(), ENGINES[engine]()
    reached = [number for number, person in enumerate(everyone) if evaluate(person)]  # and a warm-up
    began = time.process_time()
    for person in _again(everyone, calls):
        evaluate(person)
    return {"cpu_ms": (time.process_time() - began) * 1000 / calls, "reached": reached}


def _again(everyone: list[Person], calls: int) -> Iterator[Person]:
    for call in range(calls):
        yield everyone[call % len(everyone)]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(sys.argv[1], int(sys.argv[2]))))
    sys.stdout.flush()
