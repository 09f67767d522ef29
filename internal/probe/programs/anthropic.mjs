const { default: Anthropic } = await import('@anthropic-ai/sdk').catch(() => process.exit(77));

const [url, token] = process.argv.slice(-2);
const client = new Anthropic({ baseURL: url, apiKey: token, maxRetries: 0 });
const message = await client.messages.create({ model: 'claude', max_tokens: 9, messages: [{ role: 'user', content: 'hello' }] });
console.log(message.content[0].text);
