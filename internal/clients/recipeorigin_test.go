package clients_test

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
)

// What the recipes call, as far as their clients look at it. Each API says what it was sent.

// recipeHosts are the names under which the origin is called.
func recipeHosts() (hosts []string) {
	for _, r := range recipes {
		hosts = append(hosts, r.hosts...)
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

func (o *origin) forRecipes(mux *http.ServeMux) {
	mux.HandleFunc("POST /v1/messages", o.claude)
}

// claude speaks the messages API of Anthropic.
func (o *origin) claude(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		o.t.Errorf("origin: read body: %v", err)
	}
	o.keep(r, body)
	var q struct{ Model string }
	if err := json.Unmarshal(body, &q); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	o.writeJSON(w, r, map[string]any{
		"id": "msg_1", "type": "message", "role": "assistant", "model": q.Model, "stop_reason": "end_turn", "stop_sequence": nil,
		"content": []any{map[string]any{"type": "text", "text": "You sent " + apiKey(request{r, nil}) + " to me"}},
		"usage":   map[string]any{"input_tokens": 1, "output_tokens": 1},
	})
}
