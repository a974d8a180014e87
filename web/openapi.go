package web

import (
	_ "embed"
	"net/http"
)

// descriptionJSON describes the API as OpenAPI 3.1. TestOpenAPI generates it from the Go types of
// the answers and their comments, and fails if it is outdated: run it with -update.
//
//go:embed openapi.json
var descriptionJSON []byte

// description answers with openapi.json. It never changes, so it is there while postburn starts.
func (h apiHandler) description(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(descriptionJSON) // the client may have gone
}
