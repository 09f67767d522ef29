const { default: Stripe } = await import('stripe').catch(() => process.exit(77));

const [url, token] = process.argv.slice(-2);
const { hostname, port, pathname } = new URL(url);
// The SDK takes host and port, and no prefix: the probe's name stands in its own request.
const stripe = new Stripe(token, { host: hostname, port, maxNetworkRetries: 0 });
console.log(await stripe.rawRequest('GET', `${pathname}/v1/balance`));
