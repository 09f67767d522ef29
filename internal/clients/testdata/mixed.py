# usage: mixed.py URL PLACEHOLDER NAME COUNT: says of every call when it was made and what came back
import sys
import time

import requests

url, token, name, count = sys.argv[1:]
session = requests.Session()
for i in range(int(count)):
    if i % 25 == 24:
        session = requests.Session()
    nonce = f"{name}-{i}"
    begun = time.time_ns()
    response = session.get(url + "/mixed", headers={"Authorization": "Bearer " + token, "X-Nonce": nonce})
    ended = time.time_ns()
    response.raise_for_status()
    body = response.json()
    print(nonce, begun, ended, body["headers"]["X-Nonce"][0], body["headers"]["Authorization"][0], sep="\t")
