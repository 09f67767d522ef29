package main

// Faults for the rows of docs/threats.md about getting a value back.
var eFaults = []rowFault{
	{"E11", "offer compression", "mitm/respond.go", "	h.Del(\"Sec-Websocket-Extensions\") // permessage-deflate: every message is looked at\n", "", "./mitm"},
	{"E11", "take an extension that was not offered", "mitm/upgrade.go", "		if len(h[\"Sec-Websocket-Extensions\"]) > 0 {", "		if len(h[\"Sec-Websocket-Extensions\"]) > 1 {", "./mitm"},
	{"E11", "fragments one by one", "mitm/flow.go", "	if f.msg.passes {", "	if f.msg.passes || !f.masked {", "./mitm"},
	{"E11", "what a message released is not looked for", "mitm/wsmessage.go", "	if err := x.release(); err != nil {\n		return nil, err\n	}\n	return out, nil\n", "	return out, nil\n", "./mitm"},
	{"E11", "frames as they come", "mitm/wsmessage.go", "	err := dst.stream(h, payload)\n	o.x", "	err := dst.stream(h, src)\n	o.x", "./mitm"},
	{"E11", "messages as they come", "mitm/wsmessage.go", "	_, err := io.ReadFull(r, out)\n", "	_, err := io.ReadFull(r, out)\n	copy(out, message)\n", "./mitm"},
	{"E11", "long messages as they come", "mitm/wsmessage.go", "	o.rw = o.x.run.released.Rewriter()\n	return o.rw\n", "	o.rw = o.x.run.released.Rewriter()\n	return asIs{}\n", "./mitm"},
}
