"""How every page of the console looks: what a person would call broken, what axe calls grave, what jumps about.

The five pages that people use most are looked at so that each pair of language, mode and size meets, the others in each
language, mode and size once; `SAMPAN_LONG=1` looks at the former in all, at the latter in pairs. `SAMPAN_SHOTS=folder`
keeps a picture of each.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

import pytest
from browser_desk import ADMIN, DESKTOP, PHONE, REVIEWER, Desk, Language, Look, Mode, shots_folder, text_areas

from sampan.platform.cli.demo_folder import PUBLISHER

TEXTS = Path(__file__).parents[2] / "console" / "src" / "i18n" / "texts" / "index.ts"
SIZES = {"phone": PHONE, "desktop": DESKTOP}
PAIRWISE = [("zh", "light", "phone"), ("zh", "dark", "desktop"), ("en", "light", "desktop"), ("en", "dark", "phone")]
IS_LONG = os.environ.get("SAMPAN_LONG") == "1"
OF_MAINS = list(product(("zh", "en"), ("light", "dark"), SIZES)) if IS_LONG else PAIRWISE
OF_OTHERS = PAIRWISE if IS_LONG else [("zh", "light", "phone"), ("en", "dark", "desktop")]
OTHERS = (
    "apps", "apps/bank.demo.coupons", "changes", "releases/new", "releases/freezes", "switches",
    "switches/new", "audiences", "audiences/new", "tags", "customers", "customers/import",
    "devices", "reports", "client-apps", "publishers", "operators", "roles", "tokens", "catalogue", "trust", "audit",
    "codepush", "insight", "insight/funnel", "policy", "hosts", "notices", "account", "system", "design", "explain",
    "no-such-page",
)  # fmt: skip


class Variant:
    """The console in one language, mode and size; what was found wrong gathers in `found`."""

    def __init__(self, desk: Desk, language: Language, mode: Mode, size: str) -> None:
        self.desk, self.language, self.mode, self.size = desk, language, mode, size
        self.name = f"{language}-{mode}-{size}"
        self.areas = text_areas(TEXTS)
        self.found: list[str] = []

    @contextmanager
    def of(self, email: str | None) -> "Iterator[Look]":
        """A page of somebody, to be looked at."""
        with self.desk.at(email, language=self.language, mode=self.mode, size=SIZES[self.size]) as page:
            yield Look(page, shots_folder())

    def visit(self, look: Look, path: str, name: str, *, with_axe: bool) -> None:
        """Go to a page as a link does, and keep what is wrong with it."""
        address = f"{self.desk.console}/{path}"
        self.found += look.go(address, f"{name}-{self.name}", areas=self.areas, with_axe=with_axe)


@pytest.mark.parametrize(("language", "mode", "size"), OF_MAINS)
def test_the_main_pages_look_well(desk: Desk, language: Language, mode: Mode, size: str) -> None:
    variant, is_pair = Variant(desk, language, mode, size), (language, mode, size) in PAIRWISE
    app, sequence = desk.in_review
    mains = {"overview": "", "releases": "releases", "change": f"changes/{desk.change}"}
    with variant.of(ADMIN) as look:
        for name, path in mains.items():
            variant.visit(look, path, name, with_axe=is_pair)
    with variant.of(REVIEWER) as look:
        for name, path in {"version": f"apps/{app}/versions/{sequence}", "reviews": "reviews"}.items():
            variant.visit(look, path, name, with_axe=is_pair)
    assert not variant.found, "\n".join(variant.found)


@pytest.mark.parametrize(("language", "mode", "size"), OF_OTHERS)
def test_every_other_page_looks_well(desk: Desk, language: Language, mode: Mode, size: str) -> None:
    variant = Variant(desk, language, mode, size)
    others = {path.replace("/", "-"): path for path in OTHERS}
    others |= {"release": f"releases/{desk.release}", "customer": f"customers/{desk.customer}"}
    others |= {"release-edit": f"releases/{desk.unsent}/edit", "upgrades": f"client-apps/{desk.client_app}/upgrades"}
    others |= {"device": f"devices/{desk.device}", "tag": f"tags/{desk.tag}"}
    others |= {"switch": f"switches/{desk.switch}", "switch-edit": f"switches/{desk.switch}/edit"}
    app, sequence, n = desk.hotfix
    mended = f"apps/{app}/versions/{sequence}"
    others |= {"mended": mended, "hotfix-given": f"{mended}/hotfixes/{n - 1}"}
    react, deployment = desk.codepush
    others |= {"codepush-app": f"codepush/{react}", "codepush-labels": f"codepush/{react}/{deployment}"}
    others |= {"audience": f"audiences/{desk.audience}", "audience-edit": f"audiences/{desk.audience}/edit"}
    with variant.of(ADMIN) as look:
        for name, path in others.items():
            variant.visit(look, path, name, with_axe=True)
    with variant.of(REVIEWER) as look:
        variant.visit(look, f"{mended}/hotfixes/{n}", "hotfix", with_axe=True)
    with variant.of(PUBLISHER[0]) as look:
        variant.visit(look, f"{mended}/hotfixes/new", "hotfix-new", with_axe=True)
    with variant.of(None) as look:
        for name, path in {"sign-in": "", "set-up": "setup"}.items():
            variant.visit(look, path, name, with_axe=True)
    assert not variant.found, "\n".join(variant.found)


def test_every_page_is_looked_at() -> None:
    """A new page of the console is a new line above."""
    routes = (TEXTS.parents[2] / "app" / "routes.tsx").read_text()
    paths = {part.split('"')[1] for part in routes.split("page(")[2:]}
    seen = {"", "releases", "reviews", "changes/:change", "releases/:release", "customers/:customer", "devices/:device"}
    seen |= {"switches/:key", "switches/:key/edit", "audiences/:audience", "audiences/:audience/edit", "tags/:tag"}
    seen |= {"releases/:release/edit", "client-apps/:app/upgrades"}
    seen |= {"codepush/:app", "codepush/:app/:deployment"}
    seen |= {"apps/:app/versions/:sequence/hotfixes/new", "apps/:app/versions/:sequence/hotfixes/:n"}
    seen |= {"apps/:app", "apps/:app/versions/:sequence", *OTHERS}
    assert paths - seen == set()
