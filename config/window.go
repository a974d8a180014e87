package config

import (
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/postburn/postburn/slo"
)

const maxWindow = 90 * day

// readWindow reads the time over which a target holds: rolling, or of the calendar. It returns
// the zero Window if it is neither.
func readWindow(f field) slo.Window {
	if f.value.Kind == yaml.MappingNode {
		return readCalendarWindow(f)
	}
	length, ok := f.duration()
	switch {
	case !ok:
		return slo.Window{}
	case length == 0 || length > maxWindow:
		f.errorf("window must be longer than 0 and at most 90d, not %s", shorten(f.value.Value))
		return slo.Window{}
	}
	return slo.Window{Rolling: length}
}

func readCalendarWindow(f field) (w slo.Window) {
	found, ok := f.mapping(schemaOf("window", "a calendar window"))
	if !ok {
		return w
	}
	calendar, ok := found["calendar"]
	if !ok {
		f.missing("window.calendar")
	} else if w.Calendar, ok = calendar.scalar(); ok {
		if _, err := (slo.Window{Calendar: w.Calendar}).Periods(); err != nil || w.Calendar == "" {
			calendar.errorf("%s must be %s, not %s", calendar.path, calendar.like, quote(w.Calendar))
			ok = false
		}
	}
	if zone, there := found["timezone"]; there {
		w.Timezone = readTimezone(zone)
	}
	if !ok {
		return slo.Window{}
	}
	return w
}

// readTimezone reads the name of a zone. "Local" is none: what it means depends on the machine.
func readTimezone(f field) string {
	name, ok := f.scalar()
	if !ok {
		return ""
	}
	if _, err := time.LoadLocation(name); err != nil || name == "" || name == "Local" {
		f.errorf("%s must be %s, not %s", f.path, f.like, quote(name))
		return ""
	}
	return name
}
