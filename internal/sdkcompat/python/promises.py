"""What the SDK's README promises and its code does not have."""

import os
import tempfile
import warnings

import agentsecrets
from agentsecrets import CLIError
from agentsecrets.testing import MockAgentSecrets

from kit import defect, raises
from manage import names

defect("init(intercept=True)", "`init()`")(lambda k: agentsecrets.init(intercept=True))
defect("with client.workspace(NAME) as ws", "`use_workspace`")(lambda k: k.client().workspace("acme"))
defect("with client.project(NAME) as proj", "`use_project`")(lambda k: k.client().project("pay"))
defect("client.set_workspace(NAME)", "`workspaces.switch`", instead=lambda k: k.client().workspaces.switch("acme"))(lambda k: k.client().set_workspace("acme"))
defect("client.set_project(NAME)", "`projects.use`", instead=lambda k: k.client().projects.use("pay"))(lambda k: k.client().set_project("pay"))
defect("spawn(COMMAND, [ARGUMENTS])", "`spawn([COMMAND, ARGUMENTS…])`", instead=lambda k: k.client().spawn(["true"]))(lambda k: k.client().spawn("true", ["mcp"]))
defect("spawn(project=)", "the variable `AGENTSECRETS_PROJECT`")(lambda k: k.client().spawn(["true"], project="shop"))
defect("secrets.sync()", "`secrets.pull`")(lambda k: k.client().secrets.sync())
defect("allowlist.add([DOMAINS])", "`allowlist.add(*domains)`")(lambda k: k.client().allowlist.add(["a.example", "b.example"]))
defect("allowlist.log(last=)", "`allowlist.log()`", instead=lambda k: k.client().allowlist.log())(lambda k: k.client().allowlist.log(last=20))
defect("proxy.logs(status=)", "`agentsecrets proxy logs --status BLOCKED`", instead=lambda k: k.cli("proxy", "logs", "--status", "BLOCKED"))(
    lambda k: k.client().proxy.logs(status="BLOCKED"))
defect("proxy.status().uptime_seconds, session_valid", "`agentsecrets proxy status --output json`", instead=lambda k: k.cli("proxy", "status", "--output", "json"))(
    lambda k: k.client().proxy.status(port=k.free).uptime_seconds)
defect("MockAgentSecrets(secrets=)", "`MockAgentSecrets()`")(lambda k: MockAgentSecrets(secrets={"PAY_KEY": "made-up"}))


def user_email(k):
    with k.variable("STUB_PRINTS", "Workspace:   acme"):
        return k.client().status().user_email


defect("status().user_email, workspace_name, …", "`status()[\"raw\"]`, `agentsecrets status --output json`",
       instead=lambda k: k.cli("status", "--output", "json"))(user_email)


def headers(k):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        k.client().call(k.url("/v1"), headers={"X-Plain": "text"}, bearer="PAY_KEY")


def forward(k):
    text = k.cli("call", "--url", k.url("/v1"), "--bearer", "PAY_KEY", "--forward-header", "X-Plain: text")
    assert '"X-Plain":"text"' in text, text


defect("call(headers=)", "`agentsecrets call --forward-header`; a literal in `header=`: what is no name of a secret is sent as it is", instead=forward)(headers)


def body(k):
    with k.variable("STUB_PRINTS", "HTTP 200\n\nok"):
        r = k.client().call(k.url("/v1"), bearer="PAY_KEY")
    return None if isinstance(r.body, str) else f"response.body is {type(r.body).__name__}"


defect("response.body, as text", "`response.text`")(body)


def another_project(k):
    assert len(names(k)) == 3 and [s.key for s in k.client(project="shop").secrets.list()] == [s.key for s in k.client().secrets.list()]
    return "agentsecrets is not told which"


def another_project_stub(k):
    k.stub_calls()
    k.client(project="shop").secrets.list()
    assert k.stub_calls() == ["secrets list"]
    return "agentsecrets is not told which"


def project_variable(k):
    with k.variable("AGENTSECRETS_PROJECT", "shop"):
        assert names(k) == ["PAY_KEY"]


defect("AgentSecrets(project=, workspace=)", "`use_project`, or the variables `AGENTSECRETS_PROJECT` and `AGENTSECRETS_WORKSPACE`",
       stock=another_project_stub, instead=project_variable)(another_project)


def current(k):
    """The workspace that counts where no project file is nearer."""
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as empty:
        os.chdir(empty)
        try:
            (line,) = [line for line in k.cli("workspace", "list").splitlines() if line.startswith("→")]
        finally:
            os.chdir(before)
    return line


def stays(k):
    with k.client().use_workspace("other"):
        pass
    after = current(k)
    k.client().workspaces.switch("acme")
    return "the workspace stays" if after == "→ other (local)" else None


def stays_stub(k):
    k.stub_calls()
    with k.client().use_workspace("other"):
        pass
    return "the workspace stays" if k.stub_calls() == ["workspace switch other"] else None


def switched_back(k):
    with k.client(workspace="acme").use_workspace("other"):
        assert current(k) == "→ other (local)"
    assert current(k) == "→ acme (local)"


defect("use_workspace(), use_project(): back to where it was", "give the constructor `workspace=` and `project=`: then they are switched back to those",
       stock=stays_stub, instead=switched_back)(stays)


def untyped(kind, do):
    def check(k):
        with k.variable("STUB_EXIT", "1"), k.variable("STUB_SAYS", "refused"):
            e = raises(CLIError, lambda: do(k.client()))
        return None if isinstance(e, kind) else f"{type(e).__name__} comes in its place"

    defect(kind.__name__, "`CLIError`, whose `stderr` has our slug or reason")(check)


untyped(agentsecrets.WorkspaceNotFound, lambda c: c.workspaces.switch("nowhere"))
untyped(agentsecrets.ProjectNotFound, lambda c: c.projects.use("nowhere"))
untyped(agentsecrets.AllowlistModificationDenied, lambda c: c.allowlist.add("evil.example"))
untyped(agentsecrets.PermissionDenied, lambda c: c.allowlist.remove("api.acme.test"))
untyped(agentsecrets.SessionExpired, lambda c: c.secrets.push())
