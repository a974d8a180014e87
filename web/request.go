package web

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postburn/postburn/alert"
)

// incidentRequest is which incidents a reader asks for.
type incidentRequest struct {
	alert.IncidentPage
	open, recovered bool // which of them; open ones are on the first page only
}

// incidentRequestOf reads a request's parameters. Its error says which one is wrong, and what would
// be right.
func incidentRequestOf(query url.Values) (ask incidentRequest, err error) {
	ask.Limit, ask.Group, ask.recovered = defaultLimit, query.Get("group"), true
	if ask.Start, err = timeOf(query, "start"); err != nil {
		return ask, err
	}
	if ask.End, err = timeOf(query, "end"); err != nil {
		return ask, err
	}
	if text := query.Get("limit"); text != "" {
		if ask.Limit, err = strconv.Atoi(text); err != nil || ask.Limit < 1 || ask.Limit > maxLimit {
			return ask, fmt.Errorf("limit must be a number from 1 to %d, not %.50q", maxLimit, text)
		}
	}
	text := query.Get("cursor")
	if ask.After, err = readCursor(text); err != nil {
		return ask, err
	}
	ask.open = text == ""
	switch state := query.Get("state"); state {
	case "":
	case "open":
		ask.recovered = false
	case "recovered":
		ask.open = false
	default:
		return ask, fmt.Errorf("state must be open or recovered, not %.50q", state)
	}
	return ask, nil
}

// timeOf reads a parameter that is a time; zero if it is not given. Times without a zone are
// UTC.
func timeOf(query url.Values, name string) (time.Time, error) {
	text := query.Get(name)
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly, "2006-01-02 15:04", "2006-01-02T15:04"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%s must be a time like 2026-11-28T14:00:00Z or 2026-11-28, not %.50q", name, text)
}

// cursor names the last incident of a page, so that the next page begins after it.
func cursor(at alert.IncidentPosition) string {
	return base64.RawURLEncoding.EncodeToString([]byte(at.Onset.UTC().Format(time.RFC3339Nano) + " " + at.ID))
}

func readCursor(text string) (at alert.IncidentPosition, err error) {
	if text == "" {
		return at, nil
	}
	decoded, err := base64.RawURLEncoding.DecodeString(text)
	onset, id, ok := strings.Cut(string(decoded), " ")
	if err == nil && ok {
		at.ID = id
		at.Onset, err = time.Parse(time.RFC3339Nano, onset)
	}
	if err != nil || !ok {
		return at, fmt.Errorf("cursor must be the next of an earlier answer, not %.50q", text)
	}
	return at, nil
}

func positionOf(i alert.Incident) alert.IncidentPosition {
	return alert.IncidentPosition{Onset: i.Onset(), ID: i.ID}
}

// readIncidents reads what is asked for and kept, newest onset first, and the cursor of the next
// page; empty if there is none.
func readIncidents(ctx context.Context, store Store, ask incidentRequest, keep keeper) (found []alert.Incident, next string, err error) {
	if ask.recovered {
		if found, next, err = searchPage(ctx, store, ask.IncidentPage, keep); err != nil {
			return nil, "", err
		}
	}
	if ask.open {
		open, err := readOpen(ctx, store, ask.IncidentPage, keep)
		if err != nil {
			return nil, "", err
		}
		found = append(open, found...)
		slices.SortStableFunc(found, alert.NewestFirst)
	}
	return found, next, nil
}

// readOpen reads the open incidents of a page's time and group that are kept. Their end is still to
// come, so it is after any start.
func readOpen(ctx context.Context, store Store, page alert.IncidentPage, keep keeper) ([]alert.Incident, error) {
	open, err := store.OpenIncidents(ctx)
	if err != nil {
		return nil, err
	}
	return keep.of(ctx, slices.DeleteFunc(open, func(i alert.Incident) bool {
		return page.Group != "" && i.Group != page.Group || !page.End.IsZero() && !i.Onset().Before(page.End)
	}))
}

// readPage reads a page of recovered incidents, and the cursor of the next one.
func readPage(ctx context.Context, store Store, page alert.IncidentPage) (found []alert.Incident, next string, err error) {
	limit := page.Limit
	page.Limit++ // to know whether there are more
	if found, err = store.RecoveredIncidents(ctx, page); err != nil || len(found) <= limit {
		return found, "", err
	}
	return found[:limit], cursor(positionOf(found[limit-1])), nil
}

// maxSearched is how many recovered incidents are looked through for a page with the words of a
// filter. The next page continues there.
const maxSearched = 1000

// keeper selects incidents, such as those with a word in them; nil selects all.
type keeper func(ctx context.Context, some []alert.Incident) ([]alert.Incident, error)

// of returns the incidents that a keeper keeps.
func (k keeper) of(ctx context.Context, some []alert.Incident) ([]alert.Incident, error) {
	if k == nil {
		return some, nil
	}
	return k(ctx, some)
}

// searchPage reads as many recovered incidents as fit on a page and are kept, and the cursor to go
// on from.
func searchPage(ctx context.Context, store Store, page alert.IncidentPage, keep keeper) (found []alert.Incident, next string, err error) {
	if keep == nil {
		return readPage(ctx, store, page)
	}
	const step = 250
	limit := page.Limit
	page.Limit = step
	for range maxSearched / step {
		some, err := store.RecoveredIncidents(ctx, page)
		if err != nil {
			return nil, "", err
		}
		isLast := len(some) < step
		if len(some) > 0 {
			page.After = positionOf(some[len(some)-1])
		}
		kept, err := keep(ctx, some)
		if err != nil {
			return nil, "", err
		}
		if found = append(found, kept...); len(found) >= limit {
			return found[:limit], cursor(positionOf(found[limit-1])), nil
		}
		if isLast {
			return found, "", nil
		}
	}
	return found, cursor(page.After), nil
}
