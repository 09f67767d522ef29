// usage: node https.mjs URL TOKEN: one call for each place of a request
import https from "node:https";
import { gunzipSync } from "node:zlib";

const [url, token] = process.argv.slice(2);

function show(path, options = {}, body) {
  return new Promise((resolve, reject) => {
    const request = https.request(url + path, options, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const raw = Buffer.concat(chunks);
        const text = response.headers["content-encoding"] === "gzip" ? gunzipSync(raw) : raw;
        if (response.statusCode !== 200) return reject(new Error(`${path}: ${response.statusCode} ${text}`));
        console.log(response.headers);
        console.log(String(text));
        resolve();
      });
    });
    request.on("error", reject);
    request.end(body);
  });
}

const bearer = { Authorization: `Bearer ${token}` };
const post = (type) => ({ method: "POST", headers: { "Content-Type": type } });
const query = new URLSearchParams({ key: token, place: "Lagos, Nigeria" });
const form = new URLSearchParams({ key: token, grant_type: "client_credentials" });
const json = JSON.stringify({ auth: { key: token }, note: `the key is ${token}` });

await show("/header", { headers: { ...bearer, "X-Api-Key": token } });
await show(`/query?${query}`);
await show("/basic", { auth: `a:${token}` });
await show("/json", post("application/json"), json);
await show("/form", post("application/x-www-form-urlencoded"), String(form));
await show("/gzip", { headers: bearer });
