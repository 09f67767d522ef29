"""usage: stripe_balance.py URL TOKEN: ask for the balance, by the module and by a client"""

import sys

import stripe

url, token = sys.argv[1:]

stripe.api_key, stripe.api_base = token, url
print("module:", stripe.Balance.retrieve()["headers"]["Authorization"])

client = stripe.StripeClient(token, base_addresses={"api": url})
print("client:", client.v1.balance.retrieve()["headers"]["Authorization"])
