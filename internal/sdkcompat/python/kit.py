"""What rows are, and what they share. A row is one capability of the SDK.

works(name): the function must return what was seen; an exception fails the row.

defect(name): what the SDK promises and does not do. The function returns what is
wrong, or raises it. The row holds only if the same is wrong without AgentSecrets, with
a stub in its place, and if what is named instead works with it. When the SDK does it
one day, the row fails, and becomes one that works.
"""

import contextlib
import json
import os
import subprocess
import sys
import time

import agentsecrets
import agentsecrets.call

ROWS = []


class Row:
    def __init__(self, kind, name, note, check, stock=None, instead=None):
        self.kind, self.name, self.note, self.check = kind, name, note, check
        self.stock, self.instead = stock or check, instead


def works(name, note=""):
    def keep(check):
        ROWS.append(Row("works", name, note, check))
        return check

    return keep


def defect(name, note, stock=None, instead=None):
    def keep(check):
        ROWS.append(Row("defect", name, note, check, stock, instead))
        return check

    return keep


class Kit:
    """The plan that the runner wrote, and ways to what it names."""

    def __init__(self, path):
        with open(path) as f:
            self.__dict__.update(json.load(f))
        self.seen = []  # all that the SDK gave back: searched for values at the end

    def url(self, path):
        return self.origin + path

    def client(self, **kwargs):
        return agentsecrets.AgentSecrets(port=self.port, **kwargs)

    def keep(self, thing):
        self.seen.append(repr(thing))
        return thing

    def call(self, path="/v1", client=None, **kwargs):
        return self.keep((client or self.client()).call(self.url(path), **kwargs))

    def cli(self, *args):
        """The command itself, for comparing with what the SDK made of it."""
        done = subprocess.run(["agentsecrets", *args], capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stderr
        return self.keep(done.stdout)

    def program(self, name, *args, under=()):
        """Runs one of the programs, by itself or under a command."""
        argv = [*under, sys.executable, os.path.join(self.programs, name), *map(str, args)]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
        self.keep((done.stdout, done.stderr))
        assert done.returncode == 0, f"{name} ended with {done.returncode}: {done.stderr[-800:]}"
        return done.stdout.strip()

    def intercepted(self):
        return ["agentsecrets", "run", "--intercept", "--quiet", *self.flags, "--"]

    @contextlib.contextmanager
    def path(self, path):
        """Another PATH for this process, and so another agentsecrets, or none."""
        before, os.environ["PATH"] = os.environ["PATH"], path
        agentsecrets.call._binary_supports_json_call.cache_clear()
        try:
            yield
        finally:
            os.environ["PATH"] = before
            agentsecrets.call._binary_supports_json_call.cache_clear()

    @contextlib.contextmanager
    def variable(self, name, value):
        before = os.environ.get(name)
        os.environ[name] = value
        try:
            yield
        finally:
            if before is None:
                del os.environ[name]
            else:
                os.environ[name] = before

    def stub_calls(self):
        """How the stub was called since the last time."""
        try:
            with open(self.calls) as f:
                lines = f.read().splitlines()
            os.remove(self.calls)
        except FileNotFoundError:
            return []
        return lines


def raises(kind, do):
    try:
        do()
    except kind as e:
        return e
    raise AssertionError(f"{kind.__name__} did not come")


def wrong(check, kit):
    try:
        return check(kit)
    except Exception as e:
        return f"{type(e).__name__}: {str(e).splitlines()[0]}"


def judge(row, kit):
    if row.kind == "works":
        return str(row.check(kit))
    ours = wrong(row.check, kit)
    assert ours, "nothing is wrong any more: make this a row that works"
    with kit.path(kit.stub):
        stock = wrong(row.stock, kit)
    assert stock == ours, f"with a stub in place of AgentSecrets: {stock}; with it: {ours}"
    if row.instead:
        row.instead(kit)
    return ours


def main(path):
    kit = Kit(path)
    with open(kit.report, "w") as report:
        for row in ROWS:
            start = time.monotonic()
            try:
                ok, evidence = True, judge(row, kit)
            except Exception as e:
                ok, evidence = False, f"{type(e).__name__}: {e}"
            found = {"name": row.name, "kind": row.kind, "note": row.note, "ok": ok, "evidence": evidence, "seconds": time.monotonic() - start}
            print(json.dumps(found), file=report)
        print(json.dumps({"seen": kit.seen}), file=report)
