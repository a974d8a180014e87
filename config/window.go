package config

import (
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/postburn/postburn/slo"
)

const (
	defaultWindow = 30 * day
	maxWindow     = 90 * day
)

func windowSchema() schema {
	return schema{of: "a calendar window", path: "window.", keys: []string{"calendar", "timezone"}}
}

// window reads the time over which a target holds: rolling, or of the calendar. It returns the zero Window where it is neither.
func (d *document) window(f field) slo.Window {
	if f.value.Kind == yaml.MappingNode {
		return d.calendarWindow(f)
	}
	length, ok := d.duration(f, "a duration like 30d, or {calendar: month}")
	switch {
	case !ok:
		return slo.Window{}
	case length == 0 || length > maxWindow:
		d.errorf(f.value, "window must be longer than 0 and at most 90d, not %s", shorten(f.value.Value))
		return slo.Window{}
	}
	return slo.Window{Rolling: length}
}

func (d *document) calendarWindow(f field) (w slo.Window) {
	found, ok := d.mapping(f.value, windowSchema())
	if !ok {
		return w
	}
	const like = "week, month or quarter"
	calendar, ok := found["calendar"]
	if !ok {
		d.errorf(f.value, "window.calendar is missing; it is %s", like)
	} else if w.Calendar, ok = d.scalar(calendar, like); ok {
		if _, err := (slo.Window{Calendar: w.Calendar}).Periods(); err != nil || w.Calendar == "" {
			d.errorf(calendar.value, "%s must be %s, not %s", calendar.path, like, quote(w.Calendar))
			ok = false
		}
	}
	if zone, there := found["timezone"]; there {
		w.Timezone = d.timezone(zone)
	}
	if !ok {
		return slo.Window{}
	}
	return w
}

// timezone reads the name of a zone. "Local" is none: what it means depends on the machine.
func (d *document) timezone(f field) string {
	const like = "the name of a time zone like Europe/Berlin"
	name, ok := d.scalar(f, like)
	if !ok {
		return ""
	}
	if _, err := time.LoadLocation(name); err != nil || name == "" || name == "Local" {
		d.errorf(f.value, "%s must be %s, not %s", f.path, like, quote(name))
		return ""
	}
	return name
}
