const { default: OpenAI } = await import('openai').catch(() => process.exit(77));

const [url, token] = process.argv.slice(-2);
const client = new OpenAI({ baseURL: url, apiKey: token, maxRetries: 0 });
const chat = await client.chat.completions.create({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'hello' }] });
console.log(chat.choices[0].message.content);
