import sys

try:
    import stripe
except ImportError:
    sys.exit(77)

url, token = sys.argv[1:]
print(stripe.StripeClient(token, base_addresses={"api": url}, max_network_retries=0).v1.balance.retrieve())
