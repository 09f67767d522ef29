import os
import sys

try:
    import boto3
except ImportError:
    sys.exit(77)

url, token = sys.argv[1:]
os.environ["AWS_BEARER_TOKEN_BEDROCK"] = token
print(boto3.client("bedrock", region_name="us-east-1", endpoint_url=url).list_foundation_models())
