const { default: WebSocket } = await import('ws').catch(() => process.exit(77));

const [url, token] = process.argv.slice(-2);
const socket = new WebSocket(url.replace('https:', 'wss:'), { headers: { authorization: `Bearer ${token}` } });
socket.on('message', (message) => { console.log(`${message}`); socket.close(); });
