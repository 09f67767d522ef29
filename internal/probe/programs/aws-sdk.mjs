const { BedrockClient, ListFoundationModelsCommand } = await import('@aws-sdk/client-bedrock').catch(() => process.exit(77));

const [url, token] = process.argv.slice(-2);
process.env.AWS_BEARER_TOKEN_BEDROCK = token;
const client = new BedrockClient({ region: 'us-east-1', endpoint: url, maxAttempts: 1 });
console.log(await client.send(new ListFoundationModelsCommand({})));
