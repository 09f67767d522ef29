"""Secrets, projects, workspaces, rules and environments."""

import re

from agentsecrets import CLIError, settings
from agentsecrets.testing import MockAgentSecrets

from kit import raises, works


def names(k):
    return [s.key for s in k.keep(k.client().secrets.list())]


@works("secrets.list()")
def _(k):
    assert names(k) == ["BASIC_CREDS", "ORG_KEY", "PAY_KEY"], names(k)
    settings.environment = "production"
    try:
        assert names(k) == []
    finally:
        settings.environment = "development"
    return "3 names, and none in production"


@works("secrets.set(), secrets.delete()")
def _(k):
    k.client().secrets.set("NEW_KEY", "made-up-by-this-program-0123456789")
    assert "NEW_KEY" in names(k)
    seen = k.call(bearer="NEW_KEY").json()["headers"]["Authorization"]
    assert seen.startswith("Bearer ") and "AS_SECRET" not in seen, seen
    k.client().secrets.delete("NEW_KEY")
    assert "NEW_KEY" not in names(k)
    return raises(CLIError, lambda: k.client().secrets.delete("NEW_KEY")).stderr.splitlines()[0]


@works("secrets.diff()", "without a server there is nothing to compare with, and no drift")
def _(k):
    d = k.client().secrets.diff()
    assert d.has_drift is False and d.local_only == [] and d.remote_only == [], d
    return d


@works("secrets.push(), secrets.pull()", "need a server, which this version cannot talk to: `CLIError` with `no_server`")
def _(k):
    secrets = k.client().secrets
    for do in (secrets.push, secrets.pull, lambda: secrets.push(force=True), lambda: secrets.pull(force=True)):
        e = raises(CLIError, do)
        assert e.exit_code == 1 and "no_server: " in e.stderr, e.stderr
    return e.stderr.splitlines()[0]


@works("allowlist.list()")
def _(k):
    rules = k.keep(k.client().allowlist.list())
    assert len(rules) == 2 and k.named == "https://" + rules[1].domain, rules
    for r in rules:
        assert r.added_by and re.match(r"\d{4}-\d\d-\d\d", r.created_at), r
    return [r.domain for r in rules]


@works("allowlist.add(), allowlist.remove()", "without a terminal they are denied")
def _(k):
    allowlist = k.client().allowlist
    for do in (lambda: allowlist.add("evil.example"), lambda: allowlist.add("a.example", "b.example"), lambda: allowlist.remove("api.acme.test")):
        e = raises(CLIError, do)
        assert e.exit_code == 3 and "needs the password of workspace acme" in e.stderr, vars(e)
    assert len(allowlist.list()) == 2
    allowlist.add()  # nothing
    return e.stderr.splitlines()[0]


@works("allowlist.log()")
def _(k):
    text = k.keep(k.client().allowlist.log())
    assert '"rule":"evil.example"' in text and '"outcome":"denied"' in text, text
    return f"{len(text.splitlines())} changes"


@works("projects.list(), create(), use(), delete()", "`delete` takes a project without secrets; one with secrets wants `agentsecrets project delete NAME --yes`")
def _(k):
    projects = k.client().projects
    listed = {p.name: p.description for p in k.keep(projects.list())}
    assert listed == {"pay": "", "shop": "goods"}, listed
    projects.create("till")
    assert names(k) == []
    projects.use("shop")
    assert names(k) == ["PAY_KEY"]
    assert raises(CLIError, lambda: projects.delete("shop")).exit_code == 2
    projects.use("pay")
    projects.delete("till")
    assert [p.name for p in projects.list()] == ["pay", "shop"]
    return raises(CLIError, lambda: projects.use("till")).stderr.splitlines()[0]


@works("workspaces.list(), create(), switch()", "a project file is nearer than `switch`: [environments.md](environments.md#workspaces)")
def _(k):
    workspaces = k.client().workspaces
    workspaces.create("Acme Engineering")
    listed = [(w.name, w.type) for w in k.keep(workspaces.list())]
    assert listed == [("acme", "local"), ("other", "local"), ("Acme Engineering", "local")], listed
    workspaces.switch("Acme Engineering")
    workspaces.switch("acme")
    return raises(CLIError, lambda: workspaces.switch("nowhere")).stderr.splitlines()[0]


@works("workspaces.members()", "without a server that is you, as an account of this machine")
def _(k):
    (m,) = k.keep(k.client().workspaces.members())
    assert "@" in m.email and (m.role, m.status) == ("owner", "active"), m
    return m.role


@works("workspaces.invite(), remove(), promote(), demote()", "need a server, as above")
def _(k):
    w = k.client().workspaces
    for do in (lambda: w.invite("alice@acme.test"), lambda: w.invite("alice@acme.test", role="admin"), lambda: w.remove("alice@acme.test"),
               lambda: w.promote("alice@acme.test"), lambda: w.demote("alice@acme.test")):
        e = raises(CLIError, do)
        assert e.exit_code == 1 and "no_server: " in e.stderr, e.stderr
    return e.stderr.splitlines()[0]


@works("use_workspace(), with AgentSecrets(workspace=)", "what was switched is switched back to the workspace of the constructor")
def _(k):
    client = k.client(workspace="acme")
    with k.variable("AGENTSECRETS_PROJECT", "shop"), client.use_workspace("other"):
        current = k.cli("workspace", "list", "--workspace", "other")
        assert "→ other (local)" in current or "other" in current, current
    return "acme"


@works("use_project(), with AgentSecrets(project=)")
def _(k):
    with k.client(project="pay").use_project("shop"):
        inside = names(k)
    assert inside == ["PAY_KEY"] and len(names(k)) == 3, inside
    return inside


@works("settings.environment")
def _(k):
    settings.environment = "staging"
    try:
        seen = k.call(bearer="PAY_KEY").json()["headers"]["Authorization"]
        assert seen == "Bearer <PAY_KEY of staging>", seen
    finally:
        settings.environment = "development"
    e = raises(ValueError, lambda: setattr(settings, "environment", "No Such!"))
    assert settings.environment == "development"
    return f"{seen}; {str(e).splitlines()[0]}"


@works("AgentSecrets(environment=)")
def _(k):
    client = k.client(environment="staging")
    try:
        return k.call(client=client, bearer="PAY_KEY").json()["headers"]["Authorization"]
    finally:
        settings.environment = "development"


@works("status()")
def _(k):
    raw = k.keep(k.client().status())["raw"]
    for line in (r"Workspace: +acme", r"Project: +pay", r"Environment: +development", r"Secrets: +3", r"Proxy: +not running"):
        assert re.search(line, raw), raw
    return raw.splitlines()[0]


@works("MockAgentSecrets")
def _(k):
    with k.path(k.none), MockAgentSecrets() as mock:
        r = mock.call("https://api.acme.test/v1", bearer="PAY_KEY")
        assert r.json() == {"ok": True} and mock.calls[0].url == "https://api.acme.test/v1" and mock.calls[0].bearer == "PAY_KEY"
        assert mock.spawn(["true"]).exit_code == 0 and mock.spawns[0].command == ["true"]
        assert not hasattr(mock.calls[0], "value")
    return "1 call, 1 spawn"
