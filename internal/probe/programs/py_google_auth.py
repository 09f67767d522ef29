import sys

try:
    from google.auth.transport.requests import AuthorizedSession
    from google.oauth2.credentials import Credentials
except ImportError:
    sys.exit(77)

url, token = sys.argv[1:]
response = AuthorizedSession(Credentials(token)).get(url)
response.raise_for_status()
print(response.text)
