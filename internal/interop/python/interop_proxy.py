"""A plugin for pytest: tests that talk to a server of their suite do so through a proxy.

The suites take proxy variables out of the environment before each test, so these
come back while the test itself runs. Tests that are of proxies name their own,
and hosts that are not of this machine: they are left alone. INTEROP_FIXTURES names the fixtures that
give a server, INTEROP_PROXY the proxy, INTEROP_ROOTS a file that verifies it.
"""

import os

import pytest

FIXTURES = set(os.environ["INTEROP_FIXTURES"].split(","))
PROXY = os.environ["INTEROP_PROXY"]
ROOTS = os.environ["INTEROP_ROOTS"]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    if not FIXTURES & set(item.fixturenames) or "proxy" in item.name:
        yield
        return
    before = dict(os.environ)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        os.environ[name] = PROXY
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        os.environ[name] = ROOTS
    yield
    os.environ.clear()
    os.environ.update(before)
