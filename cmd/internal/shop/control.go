package shop

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// Control is how another process has the shop break, and asks for its counts:
//
//	POST /fail?share=1             makes that share of checkouts fail from now on; answers when
//	GET  /count?from=TIME&to=TIME  answers with the Counts of that stretch as JSON
//
// Times are RFC 3339, with parts of seconds. It is served apart from the shop itself, so that it is
// not part of its traffic.
func (s *Shop) Control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /fail", func(w http.ResponseWriter, r *http.Request) {
		share, err := strconv.ParseFloat(r.FormValue("share"), 64)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		s.Fail(share)
		answer(w, time.Now())
	})
	mux.HandleFunc("GET /count", func(w http.ResponseWriter, r *http.Request) {
		from, err := time.Parse(time.RFC3339Nano, r.FormValue("from"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		to, err := time.Parse(time.RFC3339Nano, r.FormValue("to"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		answer(w, s.Count(from, to))
	})
	return mux
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the client may have gone
}
