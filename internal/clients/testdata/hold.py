"""usage: hold.py URL TOKEN: call, say who we are, and stay until a line comes"""

import os
import sys

import requests

url, token = sys.argv[1:]
response = requests.get(f"{url}/header", headers={"Authorization": f"Bearer {token}"})
response.raise_for_status()
print(response.text)
print("pid", os.getpid(), flush=True)
sys.stdin.readline()
