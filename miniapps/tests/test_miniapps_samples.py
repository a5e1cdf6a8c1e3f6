"""The samples name the very kit that they mount, and speak the same words in both languages."""

import json
from pathlib import Path

import pytest

from sampan.miniapps.samples import folder
from sampan.offline_packages.packing import pack

KIT = "bank.demo.kit"
APPS = ("coupons", "bills", "transfer", "wealth")


@pytest.mark.parametrize("app", APPS)
def test_a_sample_pins_the_kit_as_it_is(app: str, tmp_path: Path) -> None:
    kit = pack(folder() / "kit", tmp_path)
    manifest = json.loads((folder() / app / "manifest.json").read_text())
    named = {each["id"]: each["digest"] for each in manifest["x-sampan"]["dependencies"]}
    assert named == {KIT: kit.digest}, f"write {kit.digest} into {app}/manifest.json: the kit has changed"


@pytest.mark.parametrize("app", APPS)
def test_a_sample_has_the_same_texts_in_both_languages(app: str) -> None:
    zh, en = (json.loads((folder() / app / "i18n" / f"{language}.json").read_text()) for language in ("zh", "en"))
    assert zh.keys() == en.keys()
    assert all(zh.values())
    assert all(en.values())
