package postgres

import (
	"cmp"
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/postburn/postburn/store"
)

const (
	// defaultSchema is where the tables are unless search_path says otherwise: other programs may
	// have tables like `incidents` in the same database.
	defaultSchema = "postburn"
	// connections are for one commit, one publication, and pages; pool_max_conns in the URL is
	// another number.
	connections    = 8
	connectTimeout = 10 * time.Second // connect_timeout in the URL is another one
)

// parse reads a URL, and adds what postburn wants of each connection.
func parse(text string) (config *pgxpool.Config, schema string, err error) {
	if config, err = pgxpool.ParseConfig(text); err != nil {
		return nil, "", &store.Error{
			Path: "in PostgreSQL", Problem: store.Refused, Err: errors.New("its address can't be used: " + reason(err, text)),
			Advice: "write it like postgres://user@host:5432/database, with the password in a file that PGPASSFILE names; a password in it has to be percent-encoded",
		}
	}
	if !strings.Contains(text, "pool_max_conns") {
		config.MaxConns = connections
	}
	c := config.ConnConfig
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = connectTimeout
	}
	if c.RuntimeParams["application_name"] == "" {
		c.RuntimeParams["application_name"] = "postburn"
	}
	schema = firstOf(c.RuntimeParams["search_path"])
	c.RuntimeParams["search_path"] = pgx.Identifier{schema}.Sanitize()
	return config, schema, nil
}

// firstOf returns the first schema of a search path. As in SQL, one without quotes is in lower case.
func firstOf(searchPath string) string {
	first, _, _ := strings.Cut(searchPath, ",")
	first = strings.TrimSpace(first)
	if name, quoted := strings.CutPrefix(first, `"`); quoted {
		return strings.TrimSuffix(name, `"`)
	}
	return cmp.Or(strings.ToLower(first), defaultSchema)
}

// reason returns why a URL can't be used, unless the words would show a part of a password.
func reason(err error, text string) string {
	const hidden = "it is malformed"
	var parsing *pgconn.ParseConfigError
	if !errors.As(err, &parsing) || parsing.Unwrap() == nil {
		return hidden
	}
	why := parsing.Unwrap().Error()
	for _, part := range secrets(text) {
		plain, err := url.QueryUnescape(part)
		if err != nil || len(part) > 3 && strings.Contains(why, part) || len(plain) > 3 && strings.Contains(why, plain) {
			return hidden
		}
	}
	return why
}

// secrets returns what may be a part of a password in a URL, which may be malformed: all words
// before the last @, and those after a key like password.
func secrets(text string) []string {
	_, rest, _ := strings.Cut(text, "://")
	all := rest[:strings.LastIndex(rest, "@")+1]
	for n, after := range strings.Split(text, "password=") {
		if value, _, _ := strings.Cut(after, "&"); n > 0 {
			all += " " + value
		}
	}
	return strings.FieldsFunc(all, func(r rune) bool { return strings.ContainsRune("/:@?&= ", r) })
}

// nameOf returns what people know a database by: hosts, database and schema, without user and
// password.
func nameOf(config *pgxpool.Config, schema string) string {
	c := config.ConnConfig
	hosts := []string{hostPort(c.Host, c.Port)}
	for _, other := range c.Fallbacks { // other hosts, and the same without TLS
		if next := hostPort(other.Host, other.Port); next != hosts[len(hosts)-1] {
			hosts = append(hosts, next)
		}
	}
	name := "postgres://" + strings.Join(hosts, ",") + "/" + c.Database
	if schema != defaultSchema {
		name += "?search_path=" + schema
	}
	return name
}

func hostPort(host string, port uint16) string {
	if strings.HasPrefix(host, "/") {
		host = url.PathEscape(host) // a folder with the server's socket
	}
	return net.JoinHostPort(host, strconv.Itoa(int(port)))
}
