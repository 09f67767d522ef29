'use strict';

// Takes every TLS connection that Node opens through the HTTP proxy of this run:
// https, fetch, http2, WebSocket libraries and SDKs with an Agent of their own,
// with no change to them. NODE_OPTIONS=--require loads this file before the
// program's own. For Node 18 to 26, without dependencies.
//
// How: all of them end up in tls.connect. Ours gives it a socket that is a tunnel
// to the same host and port, made with CONNECT. Names are not resolved here, the
// proxy does that. What stays as it was: connections to loopback (as NO_PROXY
// says), to the proxy itself, over a given socket (a proxy agent's) or a path in the file system.

(() => {
  // Bun and Deno run this file too; they read HTTPS_PROXY by themselves.
  if (process.versions.bun || process.versions.deno) return;
  const loaded = Symbol.for('agentsecrets.preload');
  if (globalThis[loaded]) return;

  const proxy = parseProxy(process.env.https_proxy || process.env.HTTPS_PROXY);
  if (!proxy) return;
  globalThis[loaded] = true;

  // A run sets NODE_USE_ENV_PROXY, and Node 22 says in every program that what it
  // then uses is experimental. It is not the program's, nor in use: we are. (In a
  // worker Node says it before this file is loaded.)
  const emit = process.emit;
  process.emit = function (name, what, ...more) {
    if (name === 'warning' && what && what.code === 'UNDICI-EHPA') return true;
    return emit.call(this, name, what, ...more);
  };

  const net = require('net');
  const tls = require('tls');
  const { Duplex } = require('stream');

  // As they were when this file was loaded: the program may replace them.
  const netConnect = net.connect;
  const tlsConnect = tls.connect;

  const maxHead = 64 * 1024; // bytes of the proxy's answer to CONNECT

  function parseProxy(text) {
    try {
      const url = new URL(text);
      if (url.protocol !== 'http:') return null;
      const user = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
      return {
        host: unbracket(url.hostname),
        port: Number(url.port) || 80,
        credential: url.username && `Proxy-Authorization: Basic ${Buffer.from(user).toString('base64')}\r\n`,
      };
    } catch {
      return null; // none, or not one of ours: the program must start all the same
    }
  }

  function unbracket(host) {
    return host.replace(/^\[|\]$/g, '');
  }

  function isLoopback(host) {
    return host === 'localhost' || host.endsWith('.localhost') || host === '::1' || (net.isIPv4(host) && host.startsWith('127.'));
  }

  // Tunnel is the byte stream to host:port behind the proxy. What is written
  // before the proxy has answered waits.
  class Tunnel extends Duplex {
    constructor(host, port) {
      super({ allowHalfOpen: true });
      this.authority = `${net.isIPv6(host) ? `[${host}]` : host}:${port}`;
      this.open = false;
      this.waiting = null; // a write or an end: streams have only one under way
      this.head = Buffer.alloc(0);

      this.raw = netConnect({ host: proxy.host, port: proxy.port });
      this.raw.setNoDelay(true);
      this.raw.on('connect', () => {
        this.raw.write(`CONNECT ${this.authority} HTTP/1.1\r\nHost: ${this.authority}\r\n${proxy.credential}\r\n`);
      });
      this.raw.on('data', (chunk) => (this.open ? this.take(chunk) : this.answer(chunk)));
      this.raw.on('end', () => (this.open ? this.push(null) : this.unanswered()));
      this.raw.on('error', (err) => this.fail(err.message, { code: err.code, cause: err }));
      this.raw.on('close', () => this.open || this.unanswered());
    }

    unanswered() {
      this.fail('closed the connection without an answer to CONNECT');
    }

    fail(message, more) {
      const err = new Error(`agentsecrets proxy, connecting to ${this.authority}: ${message}`);
      this.destroy(Object.assign(err, { code: 'ERR_PROXY_TUNNEL' }, more));
    }

    // answer reads the head of the proxy's answer. A refusal ends here, whether
    // or not the proxy closes: Node's own tunnels wait for that, for ever.
    answer(chunk) {
      this.head = Buffer.concat([this.head, chunk]);
      const end = this.head.indexOf('\r\n\r\n');
      if (end < 0) {
        if (this.head.length > maxHead) this.fail('answered CONNECT with too long a head');
        return;
      }
      const status = this.head.toString('latin1', 0, this.head.indexOf('\r\n'));
      const code = Number(status.split(' ')[1]);
      const rest = this.head.subarray(end + 4);
      this.head = null;
      if (!(code >= 200 && code < 300)) {
        this.fail(`${status} ${rest.toString().trim().slice(0, 200)}`.trim(), { statusCode: code });
        return;
      }
      this.open = true;
      if (rest.length > 0) this.take(rest);
      const go = this.waiting;
      this.waiting = null;
      if (go) go();
    }

    take(chunk) {
      if (!this.push(chunk)) this.raw.pause();
    }

    whenOpen(go) {
      if (this.open) go();
      else this.waiting = go;
    }

    _read() {
      this.raw.resume();
    }

    _write(chunk, encoding, done) {
      this.whenOpen(() => this.raw.write(chunk, encoding, done));
    }

    _final(done) {
      this.whenOpen(() => this.raw.end(done));
    }

    _destroy(err, done) {
      this.raw.destroy();
      done(err);
    }

    // TLS and agents treat what they are given as a net.Socket.
    ref() {
      this.raw.ref();
      return this;
    }

    unref() {
      this.raw.unref();
      return this;
    }

    setNoDelay() {
      return this;
    }

    setKeepAlive() {
      return this;
    }

    setTimeout() {
      return this;
    }
  }

  // optionsOf brings the forms of tls.connect together: (options), (path, options)
  // and (port, host, options), where host and options may be missing.
  function optionsOf(args) {
    const [first, second, third] = args;
    if (first !== null && typeof first === 'object') return { ...first, ...second };
    if (typeof first === 'string' && Number.isNaN(Number(first))) return { path: first, ...second };
    const host = typeof second === 'string' ? { host: second } : second;
    return { port: Number(first), ...host, ...third };
  }

  tls.connect = function connect(...args) {
    const listener = typeof args[args.length - 1] === 'function' ? [args.pop()] : [];
    const options = optionsOf(args);
    const host = unbracket(String(options.host || 'localhost'));
    const port = Number(options.port) || 443;
    const isProxy = host === proxy.host && port === proxy.port;
    if (options.socket || options.path || isLoopback(host) || isProxy) {
      return tlsConnect.call(this, options, ...listener);
    }
    const tunnel = new Tunnel(host, port);
    options.socket = tunnel;
    const socket = tlsConnect.call(this, options, ...listener);
    // The handle below TLS is not a real one: an agent's idle connection has to
    // let go of the process through the socket that is.
    socket.ref = () => {
      tunnel.ref();
      return socket;
    };
    socket.unref = () => {
      tunnel.unref();
      return socket;
    };
    socket.once('close', () => tunnel.destroy());
    if (options.timeout) socket.setTimeout(options.timeout); // tls.connect sets it on connections of its own only
    return socket;
  };

  // A module loaded before this one may have imported connect by name.
  require('module').syncBuiltinESMExports();
})();
