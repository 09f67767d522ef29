import http.client
import sys
import urllib.parse

url, token = sys.argv[1:]
at = urllib.parse.urlsplit(url)
connection = http.client.HTTPSConnection(at.netloc)
connection.request("GET", at.path, headers={"Authorization": f"Bearer {token}"})
print(connection.getresponse().read().decode())
