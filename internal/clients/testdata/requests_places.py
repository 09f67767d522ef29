"""usage: requests_places.py URL TOKEN: a token in the bodies and cookies that requests makes"""

import sys

import requests

url, token = sys.argv[1:]


def show(response):
    response.raise_for_status()
    print(dict(response.headers))
    print(response.text)


note = f"the key is {token}"
show(requests.post(f"{url}/multipart", data={"key": token, "note": note}, files={"file": ("notes.txt", note)}))
show(requests.post(f"{url}/urlencoded", data={"key": token, "note": note}))
show(requests.post(f"{url}/json", json={"keys": [{"key": token}], "note": note, "name": "é"}))
show(requests.get(f"{url}/cookie", cookies={"session": token, "theme": "dark"}))
