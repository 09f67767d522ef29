"""usage: requests_calls.py URL TOKEN: one call for each place of a request"""

import sys

import requests

url, token = sys.argv[1:]


def show(response):
    response.raise_for_status()
    print(dict(response.headers))
    print(response.text)


bearer = {"Authorization": f"Bearer {token}"}
with requests.Session() as session:
    show(session.get(f"{url}/header", headers=bearer | {"X-Api-Key": token}))
    show(session.get(f"{url}/query", params={"key": token, "place": "Lagos, Nigeria"}))
    show(session.get(f"{url}/basic", auth=("bot", token)))
    show(session.post(f"{url}/json", json={"auth": {"key": token}, "note": f"the key is {token}"}))
    show(session.post(f"{url}/form", data={"key": token, "grant_type": "client_credentials"}))
    show(session.get(f"{url}/gzip", headers=bearer))
