package people

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postburn/postburn/internal/lazyregexp"
	"github.com/postburn/postburn/issue"
)

// The parts of a line of pasted chat. A clock may have seconds, and twelve hours. The names of
// groups are those that match reads.
const (
	chatClock = `(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?(?:[ \x{202f}\x{a0}]?(?P<half>[AaPp])\.?[Mm]\.?)?`
	chatHalf  = `(?P<hour>[01]?\d):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?[ \x{202f}\x{a0}]?(?P<half>[AaPp])\.?[Mm]\.?`
	chatDate  = `(?P<date>\d{4}-\d\d-\d\d|\d{1,2}[/.]\d{1,2}[/.](?:\d{4}|\d\d)|[Tt]oday|[Yy]esterday)(?:,| at|T)? ?`
	chatName  = `(?P<name>[\pL\pN_][\pL\pN_ .'()-]{0,59})`
	chatNick  = `<[@+%&~! ]?` + chatName + `>`
)

// chatLines match a message of one line, as they are copied from IRC, Matrix, WhatsApp and
// Discord: "[09:12] alex: text", "09:12 <alex> text", "[29/11/26, 09:12] alex: text", "29.11.26,
// 09:12 - alex: text".
var chatLines = []*lazyregexp.Regexp{
	lazyregexp.New(`^\[(?:` + chatDate + `)?` + chatClock + `\] ?(?:` + chatName + `:|` + strings.ReplaceAll(chatNick, "<name>", "<nick>") + `) (?P<text>\S.*)$`),
	lazyregexp.New(`^(?:` + chatDate + `)?` + chatClock + ` (?:- )?` + chatNick + ` (?P<text>\S.*)$`),
	lazyregexp.New(`^` + chatDate + chatClock + ` [-–] ` + chatName + `: (?P<text>\S.*)$`),
}

// chatHeads match the line above a message, as they are copied from Slack, Teams and Discord:
// "alex  [9:12 AM]", "alex  9:12 AM", "[09:12] Alex Smith", "alex — Today at 9:12 AM".
var chatHeads = []*lazyregexp.Regexp{
	lazyregexp.New(`^` + chatName + ` {1,4}\[(?:` + chatDate + `)?` + chatClock + `\]$`),
	lazyregexp.New(`^` + chatName + ` {1,4}` + chatHalf + `$`),
	lazyregexp.New(`^` + chatName + ` {2,4}` + chatClock + `$`),
	lazyregexp.New(`^` + chatName + ` [—–-] (?:` + chatDate + `)?` + chatClock + `$`),
	lazyregexp.New(`^\[(?:` + chatDate + `)?` + chatClock + `\] ` + chatName + `$`),
}

var (
	// chatAlone matches a line with nothing but a time, below a name or between messages of one.
	chatAlone = lazyregexp.New(`^\[?(?:` + chatDate + `)?` + chatClock + `\]?$`)
	chatOwn   = lazyregexp.New(`^` + chatName + `$`)
	// chatNoise matches what is copied along: reactions, replies, dates between messages.
	chatNoise = lazyregexp.New(`^(?::[a-z0-9_+-]+:[ ]*\d*|\d+ repl(?:y|ies)|\d+|\(edited\)|[Ee]dited|New|Today|Yesterday)$`)
)

// leastChat is how many messages make a block of chat, unless the first line is one of a kind that
// nobody types.
const leastChat = 2

// maxChat is how many lines of a comment are searched for chat.
const maxChat = 500

// maxBytes is how long a message of several lines may get before the rest is left out.
const maxBytes = 4 * maxLine

// message is one message of pasted chat.
type message struct {
	name, text string
	at         time.Time
}

// chatOf returns timeline rows from a block of chat that was pasted into a comment; none if there
// is no block. Who pasted it is the source, as nobody can tell who wrote it.
func chatOf(c issue.Comment, onset time.Time) (all []issue.Entry) {
	r := chatReader{comment: c, onset: onset}
	lines := chatBlock(c.Body)
	for n := 0; n < len(lines); n++ {
		next := ""
		if n+1 < len(lines) {
			next = lines[n+1]
		}
		if r.read(lines[n], next) {
			n++
		}
	}
	for _, m := range r.messages {
		if m.text != "" {
			all = append(all, issue.Entry{Time: m.at, Text: shortened(m.name + ": " + m.text), Source: c.Author, URL: c.URL, Person: true})
		}
	}
	_, certain := r.match(firstLine(lines), chatLines...)
	if len(all) < leastChat && !certain {
		return nil
	}
	return all
}

// chatReader reads a block of chat line by line. The last message goes on until the next begins.
type chatReader struct {
	comment  issue.Comment
	onset    time.Time // of the incident
	messages []message
}

// read reads a line, and reports whether it took the next one as well.
func (r *chatReader) read(line, next string) (both bool) {
	if m, ok := r.match(line, slices.Concat(chatLines, chatHeads)...); ok {
		r.messages = append(r.messages, m)
		return false
	}
	if m, ok := r.match(next, chatAlone); ok && r.isName(line, next) {
		m.name = line
		r.messages = append(r.messages, m)
		return true
	}
	if len(r.messages) == 0 {
		return false
	}
	last := &r.messages[len(r.messages)-1]
	if m, ok := r.match(line, chatAlone); ok {
		m.name = last.name
		r.messages = append(r.messages, m)
	} else if line != "" && !chatNoise.MatchString(line) && len(last.text) < maxBytes {
		last.text = strings.TrimSpace(last.text + " " + line)
	}
	return false
}

// isName reports whether a line above a time is a name, such as "Alex Smith", and not the end of a
// message.
func (r *chatReader) isName(line, next string) bool {
	if !chatOwn.MatchString(line) || len(strings.Fields(line)) > 3 {
		return false
	}
	known := slices.ContainsFunc(r.messages, func(m message) bool { return m.name == line })
	return len(r.messages) == 0 || known || strings.ContainsAny(next, "AaPp")
}

// chatBlock returns the lines of a comment, without the marks of quotations and code.
func chatBlock(body string) (lines []string) {
	for line := range strings.SplitSeq(strings.ReplaceAll(body, "\r\n", "\n"), "\n") {
		line = strings.TrimSpace(strings.TrimLeft(strings.TrimSpace(line), ">"))
		if strings.HasPrefix(line, "```") {
			continue
		}
		if lines = append(lines, line); len(lines) == maxChat {
			break
		}
	}
	return lines
}

func firstLine(lines []string) string {
	for _, line := range lines {
		if line != "" {
			return line
		}
	}
	return ""
}

// match reads a line that one of the patterns matches.
func (r *chatReader) match(line string, patterns ...*lazyregexp.Regexp) (m message, ok bool) {
	if !hasClock(line) {
		return message{}, false
	}
	for _, pattern := range patterns {
		found := pattern.FindStringSubmatch(line)
		if found == nil {
			continue
		}
		group := map[string]string{}
		for n, name := range pattern.SubexpNames() {
			if name != "" && found[n] != "" {
				group[name] = found[n]
			}
		}
		if m.at, ok = chatTime(group, r.comment.Time.UTC(), r.onset); !ok {
			continue
		}
		m.name, m.text = strings.TrimSpace(group["name"]+group["nick"]), strings.TrimSpace(group["text"])
		return m, true
	}
	return message{}, false
}

// hasClock reports whether a line may have a time of day. It is cheaper than the patterns.
func hasClock(line string) bool {
	isDigit := func(c byte) bool { return '0' <= c && c <= '9' }
	for n := 1; n+2 < len(line); n++ {
		if line[n] == ':' && isDigit(line[n-1]) && isDigit(line[n+1]) && isDigit(line[n+2]) {
			return true
		}
	}
	return false
}

// chatTime returns the time of a message in UTC, like that of a line that begins with a time:
// without a date it is the last such time before the comment was written.
func chatTime(group map[string]string, written, onset time.Time) (at time.Time, ok bool) {
	hour, _ := strconv.Atoi(group["hour"])
	minute, _ := strconv.Atoi(group["minute"])
	second, _ := strconv.Atoi(group["second"])
	if half := strings.ToLower(group["half"]); half != "" {
		if hour < 1 || hour > 12 {
			return at, false
		}
		if hour %= 12; half == "p" {
			hour += 12
		}
	}
	on := func(day time.Time) time.Time {
		return time.Date(day.Year(), day.Month(), day.Day(), hour, minute, second, 0, time.UTC)
	}
	switch date := strings.ToLower(group["date"]); date {
	case "":
		if at = on(written); at.After(written.Add(clockSkew)) {
			at = at.AddDate(0, 0, -1)
		}
		return at, true
	case "today":
		return on(written), true
	case "yesterday":
		return on(written.AddDate(0, 0, -1)), true
	default:
		for _, day := range daysOf(date) {
			if t := on(day); !ok || t.Sub(onset).Abs() < at.Sub(onset).Abs() {
				at, ok = t, true
			}
		}
		return at, ok
	}
}

// daysOf returns the days that a date may mean: 3/4/26 is one in March and one in April. The one
// that is nearer to the incident counts.
func daysOf(date string) (days []time.Time) {
	layouts := []string{time.DateOnly, "2/1/2006", "1/2/2006", "2/1/06", "1/2/06"}
	for _, layout := range layouts {
		if day, err := time.Parse(layout, strings.ReplaceAll(date, ".", "/")); err == nil {
			days = append(days, day)
		}
	}
	return days
}
