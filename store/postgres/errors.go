package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/store"
	"github.com/postburn/postburn/store/record"
)

// Explain turns an error into a *store.Error with the database's name, the problem and what to do
// about it. Errors that are not about the database stay as they are. It also handles data from the
// store that can't be decoded: such an error wraps slo.ErrCorrupt.
func (d *database) Explain(err error) error {
	var explained *store.Error
	if err == nil || errors.As(err, &explained) || errors.Is(err, alert.ErrFenced) || errors.Is(err, alert.ErrConflict) {
		return err
	}
	if p, advice := problemOf(err); p != "" {
		return &store.Error{Path: d.name, Problem: p, Err: inOneLine{err}, Advice: advice}
	}
	return err
}

// explainOpening is like Explain, for a store that is not open yet: all errors are about it.
func (d *database) explainOpening(err error) error {
	var explained *store.Error
	if err = d.Explain(err); errors.As(err, &explained) && explained.Advice == connectsAgain {
		explained.Advice = "check that the server runs, and that host and port are right"
	}
	if err == nil || explained != nil {
		return err
	}
	return &store.Error{Path: d.name, Problem: store.Other, Err: inOneLine{err}}
}

func (d *database) errorf(p store.Problem, advice, format string, args ...any) error {
	return &store.Error{Path: d.name, Problem: p, Err: fmt.Errorf(format, args...), Advice: advice}
}

// inOneLine is an error whose text may have several lines: one for each address that was tried. It
// does not name the user, as one of a connection does.
type inOneLine struct{ error }

func (e inOneLine) Error() string {
	text := e.error.Error()
	var connecting *pgconn.ConnectError
	if errors.As(e.error, &connecting) && connecting.Unwrap() != nil {
		text = strings.Replace(text, connecting.Error(), "failed to connect: "+connecting.Unwrap().Error(), 1)
	}
	return record.OneLine(text)
}

func (e inOneLine) Unwrap() error { return e.error }

// Repair is what to do about a damaged store.
const Repair = "restore a dump or a base backup"

const (
	untilThen     = "; until then nothing is committed, and nothing is lost"
	connectsAgain = "postburn connects again by itself" + untilThen
)

// problemOf returns the problem, and what to do about it; empty if the error is not the database's.
func problemOf(err error) (p store.Problem, advice string) {
	var refusal *pgconn.PgError
	var connecting *pgconn.ConnectError
	var network net.Error
	switch {
	case errors.Is(err, slo.ErrCorrupt):
		return store.Damaged, "`postburn store check` says what is damaged; " + Repair
	case errors.Is(err, context.Canceled), errors.Is(err, pgx.ErrNoRows):
		return "", ""
	case errors.As(err, &refusal):
		return refused(refusal.Code)
	case errors.Is(err, pgconn.ErrReadOnlyConnection), errors.Is(err, pgconn.ErrStandbyConnection):
		return store.ReadOnly, "name the primary in POSTBURN_STORE, or all servers" + untilThen
	case errors.As(err, &connecting), errors.As(err, &network), errors.Is(err, errNoAnswer), errors.Is(err, context.DeadlineExceeded),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed), errors.Is(err, pgconn.ErrConnClosed),
		pgconn.SafeToRetry(err):
		return store.Unreachable, connectsAgain
	}
	return "", ""
}

// refused returns the problem by the server's code:
// https://www.postgresql.org/docs/15/errcodes-appendix.html
func refused(code string) (store.Problem, string) {
	switch code {
	case "28P01", "28000":
		return store.Refused, "check user and password: of POSTBURN_STORE, PGUSER and PGPASSWORD, or the file that PGPASSFILE names; pg_hba.conf says who may connect from where"
	case "3D000":
		return store.Missing, "create the database, like CREATE DATABASE postburn OWNER postburn, or name another one"
	case "42501":
		return store.Refused, "make its user the owner of the database or of the schema, or GRANT what is missing"
	case "42P01", "3F000":
		return store.Missing, "its tables are gone, or its user may not use their schema: GRANT USAGE, restore a dump, or restart postburn, which creates them and reads the past from Prometheus again"
	case "25006":
		return store.ReadOnly, "it is a replica or set to read-only: name the primary, or all servers with target_session_attrs=read-write" + untilThen
	case "53100":
		return store.Full, "make room on the server's disk" + untilThen
	case "53300":
		return store.Unreachable, "raise max_connections or the user's limit, or lower pool_max_conns in POSTBURN_STORE" + untilThen
	case "57014":
		return store.Other, "a time limit of the server ended it: raise statement_timeout for its user" + untilThen
	case "XX001", "XX002":
		return store.Damaged, Repair
	}
	switch code[:2] {
	case "08", "57": // connection lost; the server stops, starts or was told to end it
		return store.Unreachable, connectsAgain
	}
	if strings.HasPrefix(code, "58") { // its disk reports errors
		return store.Other, "the server's log says more" + untilThen
	}
	return store.Other, ""
}
