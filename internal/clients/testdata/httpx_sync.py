"""usage: httpx_sync.py URL TOKEN: one call for each place of a request"""

import sys

import httpx

url, token = sys.argv[1:]


def show(response):
    response.raise_for_status()
    print(response.http_version, dict(response.headers))
    print(response.text)


bearer = {"Authorization": f"Bearer {token}"}
with httpx.Client(base_url=url) as client:
    show(client.get("/header", headers=bearer | {"X-Api-Key": token}))
    show(client.get("/query", params={"key": token, "place": "Lagos, Nigeria"}))
    show(client.get("/basic", auth=("user", token)))
    show(client.post("/json", json={"auth": {"key": token}, "note": f"the key is {token}"}))
    show(client.post("/form", data={"key": token, "grant_type": "client_credentials"}))
    show(client.get("/gzip", headers=bearer))
