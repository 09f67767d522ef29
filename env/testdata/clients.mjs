// Ways in which programs open TLS connections, each told by what it got. The
// first argument is the origin's authority, the others name ways.
import https from 'node:https';
import http2 from 'node:http2';
import { isIP } from 'node:net';
import tls, { connect as connectByName } from 'node:tls';
import { once } from 'node:events';

const [authority, ...ways] = process.argv.slice(2);
const [host, port] = [authority.replace(/:\d+$/, ''), Number(authority.match(/\d+$/)[0])];
const url = `https://${authority}/hello`;
const bare = host.replace(/^\[|\]$/g, '');
const options = { host: bare, port, servername: isIP(bare) ? '' : bare };

async function text(response) {
  let body = '';
  for await (const chunk of response) body += chunk;
  return body;
}

async function request(more = {}, body, path = '/hello') {
  const req = https.request(`https://${authority}${path}`, more);
  const answer = once(req, 'response');
  req.end(body);
  const [response] = await answer;
  return text(response);
}

async function raw(socket) {
  await once(socket, 'secureConnect');
  socket.end(`GET /hello HTTP/1.1\r\nHost: ${authority}\r\nConnection: close\r\n\r\n`);
  return (await text(socket.setEncoding('utf8'))).split('\r\n\r\n')[1];
}

const all = {
  https: () => request(),
  agent: async () => { // of its own, as SDKs have one; both requests over one connection, which is left idle
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
    await request({ agent });
    return request({ agent });
  },
  noAgent: () => request({ agent: false }),
  fetch: async () => (await fetch(url)).text(),
  http2: async () => {
    const session = http2.connect(`https://${authority}`);
    await once(session, 'connect');
    const body = await text(session.request({ ':path': '/hello' }).setEncoding('utf8'));
    session.close();
    return body;
  },
  tlsOptions: () => raw(tls.connect({ ...options, ALPNProtocols: ['http/1.1'] })),
  tlsPort: () => raw(tls.connect(port, bare, { servername: options.servername })),
  tlsPortText: () => raw(tls.connect(String(port), bare, { servername: options.servername })),
  tlsPortOptions: () => raw(tls.connect(port, { host: bare, servername: options.servername })),
  tlsListener: () => new Promise((done) => { const s = tls.connect(options, () => s.destroy() && done('called')); }),
  byName: () => raw(connectByName(options)),
  big: async () => { // more than any buffer on the way, both ways at once
    const body = 'x'.repeat(3 << 20);
    return (await request({ method: 'POST' }, body, '/echo')) === body ? 'all of it' : 'not all of it';
  },
  parallel: async () => (await Promise.all(Array.from({ length: 20 }, () => request({ agent: false })))).length + ' answers',
  timeout: () => new Promise((done) => { // the origin never answers
    const req = https.get(`https://${authority}/never`, { timeout: 200 });
    req.on('timeout', () => req.destroy(new Error('timed out')));
    req.on('error', (err) => done(err.message));
  }),
  tlsTimeout: () => new Promise((done) => {
    const socket = tls.connect({ ...options, timeout: 200 }, () => socket.on('timeout', () => socket.destroy() && done('timed out')));
  }),
  unread: async () => { // a response that nobody reads must not fill the memory
    const [response] = await once(https.get(`https://${authority}/endless`), 'response');
    await new Promise((done) => setTimeout(done, 500));
    const { external, arrayBuffers, heapUsed } = process.memoryUsage();
    response.destroy();
    const used = external + arrayBuffers + heapUsed;
    return used < 100 << 20 ? 'held back' : `${used >> 20} MiB`;
  },
  socketPath: () => new Promise((done) => {
    https.get(url, { socketPath: '/nowhere.sock' }).on('error', (err) => done(`${err.code} ${err.address}`));
  }),
};

const results = {};
for (const way of ways) {
  try {
    results[way] = await all[way]();
  } catch (err) {
    const cause = err.cause && !err.code ? err.cause : err;
    results[way] = `error ${cause.code} ${cause.statusCode}: ${cause.message}`;
  }
}
console.log(JSON.stringify(results));
