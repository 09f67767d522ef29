"""Programs that are given values."""

import asyncio
import os
import sys

from agentsecrets import AsyncAgentSecrets

from kit import works

DIGEST = "import hashlib, os; print(hashlib.sha256(os.environ['PAY_KEY'].encode()).hexdigest())"


def digest(code=DIGEST):
    return [sys.executable, "-c", code]


@works("spawn()", "the program has the values; where it prints one, the marker stands in the output")
def _(k):
    r = k.keep(k.client().spawn(digest()))
    assert r.exit_code == 0 and r.stdout.strip() == k.sha256["PAY_KEY"], r
    r = k.keep(k.client().spawn(digest("import os; print('key', os.environ['PAY_KEY'])")))
    assert r.stdout.startswith("key [REDACTED_BY_AGENTSECRETS]"), r
    return r.stdout


@works("spawn(): exit code and stderr")
def _(k):
    r = k.keep(k.client().spawn(digest("import sys; print('why', file=sys.stderr); sys.exit(3)")))
    assert r.exit_code == 3 and "why" in r.stderr.splitlines() and r.stdout == "", r
    return r.exit_code


@works("spawn(capture=False)")
def _(k):
    r = k.keep(k.client().spawn(digest("import os, sys; os.write(2, b'to the terminal\\n'); sys.exit(4)"), capture=False))
    assert (r.exit_code, r.stdout, r.stderr) == (4, "", ""), r
    return r.exit_code


@works("spawn() of a program that is not there")
def _(k):
    r = k.keep(k.client().spawn(["no-such-program"]))
    assert r.exit_code == 127 and "no-such-program" in r.stderr, r
    return r.exit_code


@works("spawn() in the project of AGENTSECRETS_PROJECT")
def _(k):
    with k.variable("AGENTSECRETS_PROJECT", "shop"):
        r = k.keep(k.client().spawn(digest()))
    assert r.stdout.strip() == k.sha256["PAY_KEY of shop"], r
    return "shop"


@works("spawn_async(), AsyncAgentSecrets.spawn()")
def _(k):
    async def both():
        one = await k.client().spawn_async(digest())
        async with AsyncAgentSecrets(port=k.port) as client:
            two = await client.spawn(digest("import sys; sys.exit(5)"))
        three = await k.client().spawn_async(["true"], capture=False)
        return one, two, three

    one, two, three = k.keep(asyncio.run(both()))
    assert one.exit_code == 0 and one.stdout.strip() == k.sha256["PAY_KEY"] and two.exit_code == 5 and three.exit_code == 0, (one, two, three)
    return two.exit_code
