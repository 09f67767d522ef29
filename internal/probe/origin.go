package probe

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// Request is one that came to an Origin.
type Request struct {
	Probe      string // the first element of its path
	Credential string // what it carried, "" for none: Basic is decoded
	Proto      string // HTTP/2.0
}

// Origin answers probes: each in the shape that its client waits for, with the
// credential that it sent. Seen is called for every request, concurrently.
type Origin struct {
	Seen func(Request)
}

func (o Origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	came := credential(r)
	o.Seen(Request{Probe: name, Credential: came, Proto: r.Proto})
	switch {
	case strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc"):
		answerGRPC(w, came)
	case r.Header.Get("Upgrade") == "websocket":
		answerSocket(w, r, came)
	default:
		kind, text := shape("https://"+r.Host+"/"+name, rest, came)
		w.Header().Set("Content-Type", kind)
		io.WriteString(w, text)
	}
}

// credential is what a client shows who it is by.
func credential(r *http.Request) string {
	if _, password, ok := r.BasicAuth(); ok {
		return password
	}
	for _, came := range []string{r.Header.Get("Authorization"), r.Header.Get("X-Api-Key"), r.URL.Query().Get("token")} {
		if came != "" {
			return strings.TrimPrefix(strings.TrimPrefix(came, "Bearer "), "token ")
		}
	}
	return ""
}

// shape is the answer to a request for rest of base, which a probe was given.
func shape(base, rest, came string) (kind, text string) {
	switch {
	case rest == "info/refs":
		return "text/plain", fmt.Sprintf("%040d\trefs/heads/%s\n", 1, came)
	case rest == "simple/probe/":
		return "text/html", fmt.Sprintf(`<!DOCTYPE html><a href="%s/%s/probe-1.tar.gz">probe-1.tar.gz</a>`, base, came)
	case strings.HasSuffix(rest, ".pom"):
		return "application/xml", fmt.Sprintf("<project><modelVersion>4.0.0</modelVersion><groupId>probe</groupId><artifactId>parent</artifactId>"+
			"<version>1</version><packaging>pom</packaging><name>%s</name></project>", came)
	}
	b, err := json.Marshal(reply(base, rest, came))
	if err != nil {
		panic(err) // texts and numbers
	}
	return "application/json", string(b)
}

// object is one in JSON.
type object = map[string]any

// reply is a shape in JSON; most clients show whatever came.
func reply(base, rest, came string) object {
	switch {
	case strings.HasSuffix(rest, "chat/completions"):
		said := object{"index": 0, "finish_reason": "stop", "message": object{"role": "assistant", "content": came}}
		return object{"id": "1", "object": "chat.completion", "created": 1, "model": "gpt-4o-mini", "choices": []object{said}}
	case rest == "v1/messages":
		return object{"id": "1", "type": "message", "role": "assistant", "model": "claude", "stop_reason": "end_turn",
			"content": []object{{"type": "text", "text": came}}, "usage": object{"input_tokens": 1, "output_tokens": 1}}
	case rest == "foundation-models":
		return object{"modelSummaries": []object{{"modelArn": "arn:aws:bedrock:::foundation-model/probe", "modelId": came}}}
	case rest == "probe": // npm
		version := object{"name": "probe", "version": "1.0.0", "description": came, "dist": object{"tarball": base + "/probe.tgz", "shasum": "0"}}
		return object{"name": "probe", "description": came, "dist-tags": object{"latest": "1.0.0"}, "versions": object{"1.0.0": version}}
	case rest == "config.json": // cargo
		return object{"dl": base + "/dl", "api": base, "auth-required": true}
	case rest == "api/v1/crates":
		return object{"crates": []object{{"name": "probe", "max_version": "1.0.0", "description": came}}, "meta": object{"total": 1}}
	case rest == "state": // terraform
		return object{"version": 4, "terraform_version": "1.0.0", "serial": 1, "lineage": "probe",
			"outputs": object{"came": object{"value": came, "type": "string"}}, "resources": []object{}}
	case rest == "v1/balance":
		return object{"object": "balance", "livemode": false, "came": came}
	case strings.HasPrefix(rest, "v1/projects/"): // gcloud
		return object{"projectId": "probe", "name": came, "lifecycleState": "ACTIVE"}
	}
	return object{"came": came}
}

// answerGRPC answers a unary call with one message.
func answerGRPC(w http.ResponseWriter, came string) {
	w.Header().Set("Content-Type", "application/grpc")
	w.Header().Set("Trailer", "Grpc-Status")
	message := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(came)))
	w.Write(append(message, came...))
	w.Header().Set("Grpc-Status", "0")
}

func answerSocket(w http.ResponseWriter, r *http.Request, came string) {
	conn, _, _, err := ws.UpgradeHTTP(r, w)
	if err != nil {
		return // the client sees that
	}
	defer conn.Close()
	_ = wsutil.WriteServerText(conn, []byte(came))
	_, _, _ = wsutil.ReadClientData(conn) // that it closes
}
