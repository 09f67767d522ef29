package clients_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// Models, as far as the clients of their APIs look at them. One that is offered a shell asks
// an API with it, and says what came of that; any other says what it was sent.

const asksAPI = `curl -s https://api.acme.test/v1/echo -H "Authorization: Bearer AS_SECRET_ACME_KEY"`

// question reads a question, and keeps it.
func (o *origin) question(r *http.Request, into any) (body []byte) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		o.t.Errorf("origin: read body: %v", err)
	}
	o.keep(r, body)
	if err := json.Unmarshal(body, into); err != nil {
		o.t.Errorf("origin: %v in %.200s", err, body)
	}
	return body
}

// offered is what a model is offered.
type offered struct{ Name string }

// claude speaks the messages API of Anthropic.
func (o *origin) claude(w http.ResponseWriter, r *http.Request) {
	var q struct {
		Model    string
		Stream   bool
		Tools    []offered
		Messages []struct{ Content json.RawMessage }
	}
	o.question(r, &q)
	reason, block := "end_turn", map[string]any{"type": "text", "text": "You sent " + apiKey(request{r, nil}) + " to me"}
	if len(q.Messages) > 0 && len(q.Tools) > 0 {
		if result := toolResult(q.Messages[len(q.Messages)-1].Content); result != "" {
			block["text"] = "The API answered: " + result
		} else if offers(q.Tools, "Bash") {
			reason, block = "tool_use", map[string]any{"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": map[string]string{"command": asksAPI, "description": "Ask the API"}}
		}
	}
	message := map[string]any{
		"id": "msg_1", "type": "message", "role": "assistant", "model": q.Model, "stop_reason": reason, "stop_sequence": nil,
		"content": []any{block}, "usage": map[string]any{"input_tokens": 1, "output_tokens": 1},
	}
	if !q.Stream {
		o.writeJSON(w, r, message)
		return
	}
	message["content"], message["stop_reason"] = []any{}, nil
	delta := map[string]any{"type": "text_delta", "text": block["text"]}
	if reason == "tool_use" {
		input, _ := json.Marshal(block["input"])
		delta = map[string]any{"type": "input_json_delta", "partial_json": string(input)}
		block["input"] = map[string]any{}
	} else {
		block["text"] = ""
	}
	events(w, []map[string]any{
		{"type": "message_start", "message": message},
		{"type": "content_block_start", "index": 0, "content_block": block},
		{"type": "content_block_delta", "index": 0, "delta": delta},
		{"type": "content_block_stop", "index": 0},
		{"type": "message_delta", "delta": map[string]any{"stop_reason": reason, "stop_sequence": nil}, "usage": map[string]any{"output_tokens": 1}},
		{"type": "message_stop"},
	})
}

func offers(tools []offered, name string) bool {
	for _, t := range tools {
		if t.Name == name {
			return true
		}
	}
	return false
}

// toolResult is what a tool said, if that is what a message tells.
func toolResult(content json.RawMessage) string {
	var blocks []struct {
		Type    string
		Content json.RawMessage
	}
	if json.Unmarshal(content, &blocks) != nil {
		return ""
	}
	for _, b := range blocks {
		if b.Type == "tool_result" {
			var text string
			if json.Unmarshal(b.Content, &text) != nil {
				text = string(b.Content)
			}
			return text
		}
	}
	return ""
}

// responses speaks the responses API of OpenAI, as an event stream.
func (o *origin) responses(w http.ResponseWriter, r *http.Request) {
	var q struct {
		Input []struct {
			Type   string
			Output json.RawMessage
			Tools  []struct{ Tools []offered } // by namespace
		}
	}
	o.question(r, &q)
	says := func(text string) map[string]any {
		return map[string]any{"type": "message", "role": "assistant", "id": "msg_1", "content": []any{map[string]any{"type": "output_text", "text": text}}}
	}
	item := says("You sent " + bearer(request{r, nil}) + " to me")
	for _, i := range q.Input {
		for _, space := range i.Tools {
			if offers(space.Tools, "exec") { // which takes a program, in JavaScript, that has the shell
				program := fmt.Sprintf("text(await tools.exec_command({ cmd: %q }))", asksAPI)
				item = map[string]any{"type": "custom_tool_call", "id": "ctc_1", "call_id": "call_1", "name": "exec", "input": program}
			}
		}
		if i.Type == "custom_tool_call_output" {
			item = says("The API answered: " + string(i.Output))
		}
	}
	events(w, []map[string]any{
		{"type": "response.created", "response": map[string]any{"id": "resp_1"}},
		{"type": "response.output_item.done", "output_index": 0, "item": item},
		{"type": "response.completed", "response": map[string]any{"id": "resp_1", "usage": map[string]any{
			"input_tokens": 1, "input_tokens_details": nil, "output_tokens": 1, "output_tokens_details": nil, "total_tokens": 2,
		}}},
	})
}

// converse speaks Amazon Bedrock's.
func (o *origin) converse(w http.ResponseWriter, r *http.Request) {
	var q struct{}
	o.question(r, &q)
	o.writeJSON(w, r, map[string]any{
		"output":     map[string]any{"message": map[string]any{"role": "assistant", "content": []any{map[string]any{"text": "You sent " + r.Header.Get("Authorization") + " to me"}}}},
		"stopReason": "end_turn", "usage": map[string]any{"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}, "metrics": map[string]any{"latencyMs": 1},
	})
}

func events(w http.ResponseWriter, all []map[string]any) {
	w.Header().Set("Content-Type", "text/event-stream")
	var b bytes.Buffer
	for _, e := range all {
		fmt.Fprintf(&b, "event: %s\n%s", e["type"], event(e))
	}
	w.Write(b.Bytes())
}
