package web_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFollowUpsOfAnIncident(t *testing.T) {
	code, body := get(t, usual().handler(), "/api/v1/incidents/checkout-1")
	var got struct {
		FollowUps []map[string]any `json:"follow_ups"`
	}
	if err := json.Unmarshal([]byte(body), &got); code != 200 || err != nil || len(got.FollowUps) != 2 {
		t.Fatalf("%d %v %s", code, err, body)
	}
	for _, f := range got.FollowUps {
		if (f["done"] != nil) != (f["text"] == "Roll back") || f["opened"] == nil {
			t.Errorf("times of %v", f)
		}
		delete(f, "opened")
		delete(f, "done")
	}
	want := []map[string]any{
		{"text": "Set a timeout <b>", "owner": "alice", "term": "short", "issue_url": "https://github.com/acme/checkout/issues/18"},
		{"text": "Roll back", "issue_url": nil},
	}
	if diff := cmp.Diff(want, got.FollowUps); diff != "" {
		t.Errorf("follow-ups (-want +got):\n%s", diff)
	}
}
