"""A body for every operation of the console API, about the things of one town; the isolation tests use them all.

Texts are neutral on purpose: what would come back of them is no leak.
"""

from collections.abc import Callable, Mapping
from typing import Any

from journey_town import EVERYBODY, Town, fresh_public_pem

DIGEST = f"sha256:{'0' * 64}"
PASSWORD = "correct horse battery staple"
RAW = "raw bytes"
"""Stands for a body that is not JSON."""


def _version(town: Town) -> Any:
    return {"upload": town.bodies["upload"], "index": town.bodies["index"], "bodies": town.bodies["signed"]}


def _entry(_town: Town) -> Any:
    return {"name_zh": "名", "name_en": "name", "position": 3}


Make = Callable[[Town], Any]


def _none(_town: Town) -> Any:
    return None


def _always(value: Any) -> Make:
    return lambda _town: value


_CAUSE = _always({"cause": "because"})
_NOTE = _always({"note": "because"})
_REASON = _always({"reason": "because"})
_SWITCH = {"key": "any", "type": "boolean", "variants": {"on": True, "off": False}, "default": "off"}
_UPGRADE = {"version": "2.0.0", "url": "https://example.com/app", "text": {"zh": "新", "en": "new"}}
_POLICY = {"allowed_domains": [], "locales": [], "max_package_bytes": 10, "max_file_bytes": 10, "max_files": 10}


def _tagged(town: Town) -> Any:
    return {"attr": "tag", "op": "in", "values": [town.ids["tag"]]}


BODIES: Mapping[str, Make] = {
    "GET /session": _none,
    "POST /session": lambda town: {
        "email": town.person.email,
        "password": town.person.password,
        "totp": "000000",
        "kind": "bearer",
    },
    "DELETE /session": _none,
    "DELETE /session/everywhere": _none,
    "POST /session/totp": _always({"totp": "000000"}),
    "POST /session/password": _always({"password": "wrong", "new_password": PASSWORD, "totp": "000000"}),
    "POST /setup/begin": _always({"link": "not a link"}),
    "POST /setup/finish": _always({"link": "not a link", "password": PASSWORD, "totp": "000000"}),
    "GET /names": _none,
    "GET /operators": _none,
    "POST /operators": _always({"email": "new@example.com", "name": "New", "grants": [{"role": "auditor"}]}),
    "POST /operators/{operator_id}/grants": lambda town: {
        "grants": [{"role": "publisher", "publisher": town.ids["publisher"], "app": town.app}]
    },
    "DELETE /operators/{operator_id}/grants/{grant_id}": _none,
    "POST /operators/{operator_id}/disable": _none,
    "POST /operators/{operator_id}/enable": _NOTE,
    "POST /operators/{operator_id}/reset": _NOTE,
    "POST /operators/{operator_id}/setup-link": _none,
    "GET /roles": _none,
    "PUT /roles/{name}": _always({"before": ["app:read"], "after": ["app:read", "release:read"]}),
    "GET /permissions": _none,
    "GET /tokens": _none,
    "POST /tokens": _always({"name": "a", "permissions": ["app:read"], "days": 1}),
    "DELETE /tokens/{token_id}": _none,
    "GET /changes": _none,
    "POST /changes": lambda town: {"kind": "release.start", "target": town.bodies["draft_release"], "payload": {}},
    "GET /changes/kinds": _none,
    "GET /changes/{change_id}": _none,
    "PUT /changes/{change_id}": lambda town: {"digest": town.bodies["change_digest"], "payload": {"grants": []}},
    "POST /changes/{change_id}/approve": lambda town: {"digest": town.bodies["change_digest"]},
    "POST /changes/{change_id}/reject": _REASON,
    "POST /changes/{change_id}/withdraw": _none,
    "GET /audit": _none,
    "GET /audit/csv": _none,
    "POST /audit/verify": _always({}),
    "GET /hosts": _none,
    "POST /hosts": lambda town: {"host": f"second.{town.workspace}.example"},
    "DELETE /hosts/{host}": _none,
    "GET /customers": _none,
    "POST /customers": _always({"tier": "full"}),
    "POST /customers/search": lambda town: {"phone": town.bodies["phone"]},
    "GET /customers/{customer_id}": _none,
    "PATCH /customers/{customer_id}": _always({"bank_reference": "changed"}),
    "GET /customers/{customer_id}/personal": _none,
    "GET /customers/{customer_id}/history": _none,
    "POST /customers/import": _always(RAW),
    "PUT /customers/{customer_id}/tier": _always({"tier": "registered"}),
    "POST /customers/{customer_id}/erase": _REASON,
    "GET /customers/{customer_id}/devices": _none,
    "PUT /customers/{customer_id}/devices/{device_id}/assurance": _always({"tier": "full"}),
    "POST /customers/{customer_id}/sign-out": _REASON,
    "POST /customers/{customer_id}/devices/{device_id}/sign-out": _REASON,
    "GET /devices": _none,
    "GET /devices/{device_id}": _none,
    "POST /devices/{device_id}/revoke": _REASON,
    "GET /client-apps": _none,
    "POST /client-apps": _always({"id": "another", "name": "Another"}),
    "GET /client-apps/{app_id}": _none,
    "PATCH /client-apps/{app_id}": _always({"closed": True}),
    "DELETE /client-apps/{app_id}": _none,
    "GET /client-apps/{app_id}/upgrades": _none,
    "POST /client-apps/{app_id}/upgrades": _always({"build": 2, **_UPGRADE}),
    "GET /client-apps/{app_id}/upgrades/{build}": _none,
    "PUT /client-apps/{app_id}/upgrades/{build}": _always({**_UPGRADE, "changed_ms": 1}),
    "DELETE /client-apps/{app_id}/upgrades/{build}": _none,
    "POST /token-keys/rotate": _always({"at_once": False}),
    "GET /trust/trees": _none,
    "GET /trust/trees/{profile}": _none,
    "GET /trust/trees/{profile}/history": _none,
    "GET /trust/trees/{profile}/roles/{role}/history": _none,
    "POST /trust/trees/{profile}/start": lambda town: {"officers": town.bodies["officers"]},
    "POST /trust/trees/{profile}/officers": lambda town: {"officers": town.bodies["officers"]},
    "POST /trust/trees/{profile}/renewals": _always({"role": "targets"}),
    "POST /trust/trees/{profile}/rotations": _always({"purpose": "control"}),
    "POST /trust/apps/{app}/keys": lambda town: {"profile": "intl", "publisher_key": town.ids["key"]},
    "GET /trust/keys": _none,
    "POST /trust/keys": lambda _town: {"pem": fresh_public_pem(), "purpose": "officer", "owner": "new"},
    "POST /trust/keys/{key}/suspend": _REASON,
    "POST /trust/keys/{key}/resume": _REASON,
    "GET /trust/pending": _none,
    "GET /trust/pending/{pending_id}": _none,
    "POST /trust/pending/{pending_id}/signatures": lambda town: town.bodies["signature"],
    "DELETE /trust/requests/{request_id}": _none,
    "GET /publishers": _none,
    "POST /publishers": lambda _town: {"name": "New publisher", "keys": {"intl": fresh_public_pem()}},
    "GET /publishers/{publisher}": _none,
    "POST /publishers/{publisher}/keys": lambda _town: {"profile": "intl", "pem": fresh_public_pem()},
    "GET /apps": _none,
    "POST /apps": lambda town: {"app": "another.new.app", "publisher": town.ids["publisher"]},
    "GET /apps/{app}": _none,
    "GET /apps/{app}/testers": _none,
    "PUT /apps/{app}/testers": lambda town: {
        "devices": [town.ids["device_id"]],
        "customers": [town.ids["customer_id"]],
    },
    "PATCH /apps/{app}/testers": lambda town: {"remove": {"devices": [town.ids["device_id"]]}},
    "POST /uploads": _always(RAW),
    "POST /apps/{app}/uploads/{upload}/inspect": _none,
    "GET /apps/{app}/deltas": _none,
    "GET /apps/{app}/versions": _none,
    "POST /apps/{app}/versions": _version,
    "GET /apps/{app}/next-sequence": _none,
    "GET /apps/{app}/versions/{sequence}": _none,
    "GET /apps/{app}/icon": _none,
    "GET /apps/{app}/versions/{sequence}/comparison": _none,
    "GET /apps/{app}/versions/{sequence}/diff": _always({"path": "index.html"}),
    "GET /apps/{app}/versions/{sequence}/files": _none,
    "GET /apps/{app}/versions/{sequence}/icon": _none,
    "GET /apps/{app}/versions/{sequence}/index": _none,
    "GET /apps/{app}/versions/{sequence}/package": _none,
    "POST /apps/{app}/versions/{sequence}/bodies": lambda town: {"bodies": town.bodies["signed"]},
    "POST /apps/{app}/versions/{sequence}/resequence": lambda town: {
        "index": town.bodies["index"],
        "bodies": town.bodies["signed"],
    },
    "POST /apps/{app}/versions/{sequence}/withdraw": _NOTE,
    "POST /apps/{app}/versions/{sequence}/recheck": _none,
    "POST /apps/{app}/versions/{sequence}/preview": _none,
    "GET /reviews": _none,
    "POST /apps/{app}/versions/{sequence}/approve": lambda town: {"digest": town.bodies["review_digest"]},
    "POST /apps/{app}/versions/{sequence}/reject": lambda town: {
        "digest": town.bodies["review_digest"],
        "comment": "no",
    },
    "POST /apps/{app}/versions/{sequence}/bring-forward": _NOTE,
    "POST /apps/{app}/versions/{sequence}/comments": _always({"text": "hm"}),
    "GET /apps/{app}/renewals": _none,
    "POST /apps/{app}/renewals": lambda town: {"bodies": town.bodies["renewed"]},
    "POST /apps/{app}/renewals/{renewal}/approve": lambda town: {"digest": town.bodies["renewal_digest"]},
    "POST /apps/{app}/renewals/{renewal}/reject": lambda town: {
        "digest": town.bodies["renewal_digest"],
        "comment": "no",
    },
    "POST /apps/{app}/renewals/{renewal}/withdraw": _none,
    "GET /apps/{app}/versions/{sequence}/hotfix-base": _none,
    "GET /apps/{app}/versions/{sequence}/hotfixes": _none,
    "POST /apps/{app}/versions/{sequence}/hotfixes": lambda town: town.bodies["hotfix"],
    "GET /apps/{app}/versions/{sequence}/hotfixes/{n}": _none,
    "GET /apps/{app}/versions/{sequence}/hotfixes/{n}/content": _none,
    "GET /apps/{app}/versions/{sequence}/hotfixes/{n}/diff": _always({"path": "mended.html"}),
    "POST /apps/{app}/versions/{sequence}/hotfixes/{n}/approve": lambda town: {"digest": town.bodies["hotfix_digest"]},
    "POST /apps/{app}/versions/{sequence}/hotfixes/{n}/reject": lambda town: {
        "digest": town.bodies["hotfix_digest"],
        "comment": "no",
    },
    "POST /apps/{app}/versions/{sequence}/hotfixes/{n}/withdraw": _CAUSE,
    "GET /insight/apps/{app}/adoption": _none,
    "GET /insight/apps/{app}/funnels": _none,
    "GET /insight/summary": _none,
    "GET /insight/event-types": _none,
    "POST /insight/funnels": _always({"steps": [{"type": "app.opened"}, {"type": "delivery.booted"}]}),
    "GET /insight/policy": _none,
    "GET /sync/policy": _none,
    "PUT /sync/policy": _always({"sync_check_seconds": 900}),
    "PUT /insight/policy": _always({"event_keep_days": 30}),
    "GET /insight/releases/{release_id}/funnel": _none,
    "GET /insight/inventory/{artefact_id}": _none,
    "GET /reports": _none,
    "PUT /reports/{report}/handled": _NOTE,
    "DELETE /reports/{report}/handled": _none,
    "GET /insight/apps/{app}/health": _none,
    "GET /insight/apps/{app}/errors": _none,
    "GET /releases": _none,
    "POST /releases": lambda town: {"id": town.app, "sequence": 2, "audience": EVERYBODY, "rollback_to": 1},
    "GET /releases/{release_id}": _none,
    "POST /releases/{release_id}/submit": _CAUSE,
    "POST /releases/{release_id}/resume": _CAUSE,
    "GET /releases/{release_id}/progress": _none,
    "POST /releases/{release_id}/move-on": _CAUSE,
    "POST /releases/{release_id}/narrow": _CAUSE,
    "GET /freezes": _none,
    "POST /freezes": _always({"from_ms": 3_900_000_000_000, "until_ms": 3_900_000_000_001, "reason": "new"}),
    "DELETE /freezes/{freeze_id}": _none,
    "POST /releases/{release_id}/pause": _CAUSE,
    "POST /releases/{release_id}/complete": _CAUSE,
    "POST /releases/{release_id}/stop": _CAUSE,
    "POST /releases/{release_id}/rollback": _CAUSE,
    "PATCH /releases/{release_id}": _always({"changed_ms": 1, "update_mode": "sync"}),
    "POST /releases/{release_id}/check": _none,
    "POST /releases/check": lambda town: {"id": town.app, "sequence": 1, "audience": EVERYBODY},
    "GET /releases/{release_id}/rollback-targets": _none,
    "GET /releases/{release_id}/places": _none,
    "POST /kills": lambda town: {"id": town.app, "sequence": 1, "reason": "withdrawn", "cause": "because"},
    "GET /switches": _none,
    "POST /switches": _always({"definition": _SWITCH}),
    "GET /switches/{switch}": _none,
    "PUT /switches/{switch}": _always({"definition": _SWITCH, "edition": 2}),
    "GET /switches/{switch}/proposals": _none,
    "POST /switches/{switch}/proposals": _always({"definition": _SWITCH, "edition": 2}),
    "POST /switches/{switch}/activate": _CAUSE,
    "POST /switches/{switch}/explain": lambda town: {"device": town.ids["device_id"], "reason": "because"},
    "POST /switches/{switch}/off": _CAUSE,
    "POST /switches/{switch}/archive": _CAUSE,
    "GET /switches/{switch}/history": _none,
    "POST /promotions": _always(
        {
            "source": {"server": "https://sit.example", "workspace": "sit"},
            "switches": [
                {
                    "definition": {**_SWITCH, "key": "promoted"},
                    "edition": 0,
                    "claim": {"edition": 1, "approved_by": "somebody", "approved_ms": 1},
                }
            ],
        }
    ),
    "GET /switch-file": _none,
    "POST /switch-file": _always({"switches": [_SWITCH]}),
    "GET /tags": _none,
    "POST /tags": _always({"name": "new-tag", "title": "New"}),
    "GET /tags/{tag}/uses": _none,
    "GET /tags/{tag}": _none,
    "PATCH /tags/{tag}": _always({"title": "Changed"}),
    "DELETE /tags/{tag}": _none,
    "POST /tags/{tag}/members": _always({"add": []}),
    "POST /tags/{tag}/imports": _always(RAW),
    "GET /tags/{tag}/imports": _none,
    "GET /tags/{tag}/imports/{import_id}": _none,
    "GET /tags/{tag}/imports/{import_id}/refused": _none,
    "GET /audiences": _none,
    "POST /audiences": _always({"name": "New", "audience": EVERYBODY}),
    "GET /audiences/{audience_id}": _none,
    "PUT /audiences/{audience_id}": _always({"name": "Changed", "audience": EVERYBODY, "edition": 1}),
    "DELETE /audiences/{audience_id}": _none,
    "GET /audiences/{audience_id}/history": _none,
    "GET /audiences/{audience_id}/uses": _none,
    "GET /audience/schema": _none,
    "POST /audience/check": lambda town: {"audience": _tagged(town)},
    "POST /audience/estimate": lambda town: {"audience": _tagged(town)},
    "GET /explain": lambda town: {"device": town.ids["device_id"]},
    "POST /audience/explain": lambda town: {
        "audience": EVERYBODY,
        "device": town.ids["device_id"],
        "reason": "because",
    },
    "GET /notices": _none,
    "GET /notices/unread": _none,
    "POST /notices/acknowledge": _none,
    "POST /notices/{notice_id}/acknowledge": _none,
    "GET /notices/preferences": _none,
    "PUT /notices/preferences": _always({"by_email": False, "least": "error", "muted": ["job_failed"]}),
    "GET /notices/webhooks": _none,
    "POST /notices/webhooks": _always({"url": "https://192.0.2.1/hook"}),
    "DELETE /notices/webhooks/{webhook_id}": _none,
    "POST /notices/webhooks/{webhook_id}/test": _none,
    "GET /overview": _none,
    "GET /system": _none,
    "GET /system/jobs": _none,
    "POST /system/jobs/{job_id}/retry": _none,
    "GET /settings": _none,
    "GET /catalogue": _none,
    "GET /catalogue/preview/{tier}": _none,
    "PATCH /catalogue/apps/{app}": _entry,
    "GET /catalogue/categories": _none,
    "PUT /catalogue/categories/{category}": _always({"name_zh": "类", "name_en": "category"}),
    "PUT /catalogue/categories/{category}/order": _always({"apps": ["bank.no.such"]}),
    "DELETE /catalogue/categories/{category}": _none,
    "GET /miniapps/policy": _none,
    "PUT /miniapps/policy": _always(_POLICY),
    "GET /codepush/apps": _none,
    "POST /codepush/apps": _always({"name": "any"}),
    "GET /codepush/apps/{codepush_app}/deployments": _none,
    "POST /codepush/apps/{codepush_app}/deployments": _always({"name": "any"}),
    "PUT /codepush/apps/{codepush_app}/deployments/{codepush_deployment}/public-key": lambda town: {
        "public_key": town.bodies["codepush_key"]
    },
    "GET /codepush/apps/{codepush_app}/deployments/{codepush_deployment}/releases": _none,
    "GET /codepush/apps/{codepush_app}/deployments/{codepush_deployment}/metrics": _none,
    "PATCH /codepush/apps/{codepush_app}/deployments/{codepush_deployment}/releases/{label}": _always(
        {"is_disabled": True}
    ),
    "POST /codepush/apps/{codepush_app}/deployments/{codepush_deployment}/releases/{label}/promote": _always(
        {"into": "any"}
    ),
    "POST /codepush/apps/{codepush_app}/deployments/{codepush_deployment}/rollback": _always({}),
}

SHARED_PARAMETERS = frozenset({"profile", "tier", "sequence", "build", "n", "label"})
"""Path parameters whose values every workspace has."""

ANSWERS_OF_ITS_OWN: Mapping[str, str] = {
    "PUT /roles/{name}": "the caller's own role of that name is proposed",
    "PUT /catalogue/categories/{category}": "the caller's own category of that name is made",
    "PUT /catalogue/categories/{category}/order": "the caller's own category of that name has other apps",
    "GET /apps/{app}/deltas": "nothing was made of it",
    "GET /insight/inventory/{artefact_id}": "nothing is held by anybody",
    "GET /insight/apps/{app}/health": "nothing was reported by anybody",
    "GET /insight/apps/{app}/errors": "nothing was reported by anybody",
    "GET /trust/trees/{profile}/roles/{role}/history": "the caller's own tree has no such role",
    "GET /insight/apps/{app}/adoption": "nothing was reported by anybody",
    "GET /insight/apps/{app}/funnels": "nothing was delivered to anybody",
    "GET /insight/releases/{release_id}/funnel": "nothing was delivered to anybody",
}
"""Operations that take a name which is free to use: another workspace's name means nothing there."""

PUBLIC = frozenset({"POST /session", "POST /setup/begin", "POST /setup/finish"})
"""Operations that nobody is signed in for."""

WRONG_ON_PURPOSE = frozenset({"POST /session/totp", "POST /session/password"})
"""Operations whose body above holds a wrong code, so that the person can go on."""

FREE_NAMES = frozenset({"category", "name"})
"""Path parameters whose values any workspace may take for things of its own."""

_MANAGED = "/codepush/apps/{app}"
_LINE = "/codepush/apps/{app}/deployments/{deployment}"
_CENTRE = "/codepush/v0.1/apps/{owner}/{app}"
_CENTRE_LINE = "/codepush/v0.1/apps/{owner}/{app}/deployments/{deployment}"
CODEPUSH_OPEN = frozenset(
    {
        "GET /v0.1/public/codepush/update_check",
        "GET /updateCheck",
        "POST /v0.1/public/codepush/report_status/deploy",
        "POST /reportStatus/deploy",
        "POST /v0.1/public/codepush/report_status/download",
        "POST /reportStatus/download",
    }
)
"""What devices of CodePush call: whoever names a deployment key."""

CODEPUSH = CODEPUSH_OPEN | {
    "GET /v0.1/public/codepush/bundles/{sha256}",
    "GET /codepush/authenticated",
    "GET /codepush/account",
    *(
        f"{method} /codepush/{name}{slash}"
        for method in ("GET", "POST")
        for name in ("apps", "accessKeys")
        for slash in ("", "/")
    ),
    "GET /codepush/accessKeys/{name}",
    "DELETE /codepush/accessKeys/{name}",
    *(f"{method} {_MANAGED}" for method in ("GET", "PATCH", "DELETE")),
    f"POST {_MANAGED}/transfer/{{email}}",
    f"GET {_MANAGED}/collaborators",
    f"POST {_MANAGED}/collaborators/{{email}}",
    f"DELETE {_MANAGED}/collaborators/{{email}}",
    *(f"{method} {_MANAGED}/deployments{slash}" for method in ("GET", "POST") for slash in ("", "/")),
    *(f"{method} {_LINE}" for method in ("GET", "PATCH", "DELETE")),
    f"POST {_LINE}/release",
    f"PATCH {_LINE}/release",
    f"POST {_LINE}/promote/{{into}}",
    f"POST {_LINE}/rollback",
    f"POST {_LINE}/rollback/",
    f"POST {_LINE}/rollback/{{label}}",
    f"GET {_LINE}/history",
    f"DELETE {_LINE}/history",
    f"GET {_LINE}/metrics",
    "GET /codepush/v0.1/user",
    "GET /codepush/v0.1/api_tokens",
    "POST /codepush/v0.1/api_tokens",
    "DELETE /codepush/v0.1/api_tokens/{id}",
    "GET /codepush/v0.1/apps",
    "POST /codepush/v0.1/apps",
    "POST /codepush/v0.1/orgs/{owner}/apps",
    *(f"{method} {_CENTRE}" for method in ("GET", "PATCH", "DELETE")),
    f"GET {_CENTRE}/users",
    f"POST {_CENTRE}/transfer/{{into}}",
    f"POST {_CENTRE}/invitations",
    f"DELETE {_CENTRE}/invitations/{{email}}",
    *(f"{method} {_CENTRE}/deployments{slash}" for method in ("GET", "POST") for slash in ("", "/")),
    *(f"{method} {_CENTRE_LINE}" for method in ("GET", "PATCH", "DELETE")),
    f"GET {_CENTRE_LINE}/metrics",
    f"POST {_CENTRE_LINE}/uploads",
    *(f"{method} {_CENTRE_LINE}/releases" for method in ("GET", "POST", "DELETE")),
    f"PATCH {_CENTRE_LINE}/releases/{{label}}",
    f"POST {_CENTRE_LINE}/promote_release/{{into}}",
    f"POST {_CENTRE_LINE}/rollback_release",
    *(
        f"POST /codepush/v0.1/upload/{step}/{{upload}}"
        for step in ("set_metadata", "upload_chunk", "finished", "cancel")
    ),
}
"""Every route of CodePush; the tools' ones take an access key of the workspace."""

OTHER_IDS = {"sequence": 2}
"""Of operations on hotfixes: they are of a version that is published."""
