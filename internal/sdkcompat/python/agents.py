"""Agents: names for programs, with tokens and limits."""

import asyncio

from agentsecrets import AgentSecretsError, CLIError, UpstreamError, agent

from kit import raises, works


def calls(k, do):
    """What the origin saw, and who it was by the log."""
    r = k.keep(do())
    assert r.json()["headers"]["Authorization"] == "Bearer <PAY_KEY>", r
    return k.client().proxy.logs(last=1)[0]


@works("agent.create(), get(), list_agents()")
def _(k):
    issued = agent.create("builder", label="ci", expires="30d")
    assert issued.agent.name == "builder" and issued.agent.project_id is None and issued.token.startswith("ast_"), issued.agent
    assert issued.label == "ci" and issued.expires_at.startswith("20"), issued.expires_at
    scoped = agent.create("pay-bot", project="pay", env="staging")
    assert scoped.agent.project_id == "pay" and scoped.token.startswith("ast_") and scoped.token != issued.token
    listed = {a.name: (a.project_id, a.token_count, a.last_used) for a in agent.list_agents()}
    assert listed == {"builder": (None, 1, None), "pay-bot": ("pay", 1, None)}, listed
    assert [a.name for a in agent.list_agents(project="pay")] == ["pay-bot"]
    assert agent.get("builder").created_at.startswith("20")
    raises(CLIError, lambda: agent.create("builder"))
    return raises(AgentSecretsError, lambda: agent.get("nobody")).message


@works("agent.issue_token(), list_tokens(), revoke_token(), revoke_all_tokens()")
def _(k):
    a = agent.get("builder")
    issued = a.issue_token(label="second")
    assert issued.token.startswith("ast_") and issued.label == "second" and issued.expires_at in (None, "(none)"), issued
    tokens = {t.label: t for t in a.list_tokens()}
    assert set(tokens) == {"ci", "second"} and tokens["second"].expires_at is None and tokens["ci"].expires_at.startswith("20"), tokens
    assert all(t.id.startswith("tok_") and t.status == "active" and t.last_used is None and t.agent_id == "builder" for t in tokens.values()), tokens
    raises(CLIError, lambda: a.revoke_token(tokens["second"].id, confirm=False))
    a.revoke_token(tokens["second"].id)
    assert {t.label: t.status for t in a.list_tokens()} == {"ci": "active", "second": "revoked"}
    a.revoke_all_tokens()
    assert {t.status for t in a.list_tokens()} == {"revoked"}
    return sorted(tokens)


@works("agent.set_policy(), get_policy()")
def _(k):
    a = agent.get("builder")
    a.set_policy(allow=["PAY_KEY", "ORG_*"], deny="ORG_OLD")
    p = a.get_policy()
    assert (p.allowed_secrets, p.denied_secrets) == (["PAY_KEY", "ORG_*"], ["ORG_OLD"]), p
    a.set_policy(deny=[])
    assert a.get_policy().denied_secrets == []
    return p


@works("Agent.call(), Agent.async_call(), with a saved token", "`agent.create(NAME, save_token=True)`: then the name stands for the token")
def _(k):
    a = agent.create("caller", save_token=True).agent
    url = k.url("/v1")
    for do in (lambda: a.call(url, bearer="PAY_KEY"), lambda: asyncio.run(a.async_call(url, bearer="PAY_KEY")), lambda: k.client(agent="caller").call(url, bearer="PAY_KEY")):
        e = calls(k, do)
        assert (e.agent_id, e.identity_level) == ("caller", "issued") and e.token_id.startswith("tok_"), e
    a.set_policy(deny="PAY_KEY")
    refused = raises(UpstreamError, lambda: a.call(url, bearer="PAY_KEY"))
    assert refused.status_code == 403 and "agent_denied" in refused.body, vars(refused)
    return f"{e.agent_id} {e.identity_level}"


@works("call(agent=, agent_token=), AgentSecrets(agent_token=)")
def _(k):
    issued = agent.issue_token("builder")
    url = k.url("/v1")
    for do in (lambda: k.client().call(url, bearer="PAY_KEY", agent="builder", agent_token=issued.token), lambda: k.client(agent_token=issued.token).call(url, bearer="PAY_KEY")):
        assert calls(k, do).agent_id == "builder"
    agent.revoke_all_tokens("builder")
    e = raises(Exception, lambda: k.client().call(url, bearer="PAY_KEY", agent_token=issued.token))
    return str(e).splitlines()[0]


@works("agent.delete()")
def _(k):
    raises(CLIError, lambda: agent.delete("caller", confirm=False))
    agent.get("caller").delete()
    agent.delete("pay-bot")
    assert [a.name for a in agent.list_agents()] == ["builder"]
    return raises(CLIError, lambda: agent.delete("caller")).stderr.splitlines()[0]
