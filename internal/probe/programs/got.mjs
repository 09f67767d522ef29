const { default: got } = await import('got').catch(() => process.exit(77));

const [url, token] = process.argv.slice(-2);
console.log(await got(url, { headers: { authorization: `Bearer ${token}` }, retry: { limit: 0 } }).text());
