// usage: node fetch.mjs URL TOKEN: one call for each place of a request
const [url, token] = process.argv.slice(2);

async function show(path, options) {
  const response = await fetch(url + path, options);
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  console.log(Object.fromEntries(response.headers));
  console.log(await response.text());
}

const bearer = { Authorization: `Bearer ${token}` };
await show("/header", { headers: { ...bearer, "X-Api-Key": token } });
await show("/query?" + new URLSearchParams({ key: token, place: "Lagos, Nigeria" }));
await show("/basic", { headers: { Authorization: "Basic " + btoa(`a:${token}`) } });
await show("/json", {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify({ auth: { key: token }, note: `the key is ${token}` }),
});
await show("/form", {
  method: "POST",
  body: new URLSearchParams({ key: token, grant_type: "client_credentials" }),
});
await show("/gzip", { headers: bearer });
