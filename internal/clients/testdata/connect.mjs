// usage: node connect.mjs URL TOKEN: one call through HTTPS_PROXY, with nothing but Node's own modules
import http from "node:http";
import https from "node:https";

const [url, token] = process.argv.slice(2);
const proxy = new URL(process.env.HTTPS_PROXY);
const { hostname, port, host } = new URL(url);
const tunnel = http.request({ host: proxy.hostname, port: proxy.port, method: "CONNECT", path: host });
tunnel.on("connect", (response, socket) => {
  if (response.statusCode !== 200) throw new Error(`${response.statusCode} ${response.statusMessage}`);
  const headers = { Authorization: `Bearer ${token}` };
  https.get({ host: hostname, port, path: "/header", headers, socket, agent: false, servername: hostname }, (answer) => {
    console.log(answer.statusCode, answer.headers["x-echo"]);
    answer.resume().on("end", () => socket.destroy());
  });
});
tunnel.end();
