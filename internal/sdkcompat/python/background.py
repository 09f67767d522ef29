"""The proxy that stays in the background, and its log."""

import json

from agentsecrets import AuditEvent, auth
from agentsecrets.management.proxy import _parse_audit_logs

from kit import raises, works


@works("proxy.start(), proxy.status(), health")
def _(k):
    p = k.client().proxy
    assert p.status(port=k.port).running is False
    p.start(port=k.port)
    s = p.status(port=k.port)
    assert s.running and s.port == k.port and s.project.startswith("prj_"), s
    return s


@works("proxy.stop()")
def _(k):
    p = k.client().proxy
    p.stop()
    assert p.status(port=k.port).running is False
    p.stop()  # again does no harm
    return "stopped"


@works("a proxy that is started when it is needed")
def _(k):
    context = auth.resolve(k.port)
    assert context.method == "proxy" and context.port == k.port
    client = k.client()
    assert client._ensure_auth().project == context.project
    return context


@works("proxy.logs(): every line is an AuditEvent")
def _(k):
    lines = k.cli("proxy", "logs", "--last", "1000").splitlines()
    events = k.keep(k.client().proxy.logs(last=1000))
    assert len(events) == len(lines) > 20, f"{len(events)} events of {len(lines)} lines"
    for line, e in zip(lines, events):
        data = json.loads(line)
        assert isinstance(e, AuditEvent) and e.timestamp.utcoffset().total_seconds() == 0
        for field in ("id", "secret_keys", "method", "target_url", "auth_styles", "status_code", "duration_ms", "status", "agent_id", "domain", "reason",
                      "redacted", "environment", "identity_level", "resolution_path", "caller_role", "workspace_id", "project_id", "token_id"):
            assert field in data and getattr(e, field) == data[field], (field, line)
    assert {"OK", "BLOCKED"} <= {e.status for e in events}, {e.status for e in events}
    return f"{len(events)} events"


@works("proxy.logs(last=)")
def _(k):
    logs = k.client().proxy.logs
    assert len(logs(last=3)) == 3 and logs(last=3) == logs(last=1000)[-3:]
    return "3 events"


@works("proxy.logs(secret=)")
def _(k):
    events = k.client().proxy.logs(last=1000, secret="ORG_KEY")
    assert events and all("ORG_KEY" in e.secret_keys for e in events), events
    assert k.client().proxy.logs(secret="NEVER_USED") == [] == _parse_audit_logs("")
    return f"{len(events)} events"
