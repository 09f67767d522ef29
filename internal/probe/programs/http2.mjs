import http2 from 'node:http2';

const [url, token] = process.argv.slice(-2);
const session = http2.connect(url);
const stream = session.request({ ':path': new URL(url).pathname, authorization: `Bearer ${token}` });
stream.on('end', () => session.close()).pipe(process.stdout);
