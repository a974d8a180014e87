package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postburn/postburn/store/postgres/postgrestest"
)

// databaseUse is what a database takes.
type databaseUse struct {
	databaseCPU float64 // s a tick, of processes of its own
	written     float64 // bytes a tick: of PostgreSQL's WAL, or what SQLite's process gives to the disk
	histories   float64 // bytes that are written again every six hours
	size        float64 // bytes
	moved       float64 // leases that changed hands, in all ticks
}

// aDay returns how many bytes are written in a day of ticks: those of ticks, and four times the
// histories.
func (u databaseUse) aDay(interval time.Duration) float64 {
	return u.written*float64(24*time.Hour/interval) + 4*u.histories
}

// database is the store of a row.
type database interface {
	address() string
	cursor(ctx context.Context) (time.Time, error) // the last tick that all lanes have committed
	begin(ctx context.Context) error
	used(ctx context.Context, ticks int) (databaseUse, error) // since begin
	Close() error
}

func startDatabase(ctx context.Context, dir string, isPostgres bool) (database, error) {
	if !isPostgres {
		return openSQLite(filepath.Join(dir, "postburn.db"))
	}
	server, err := postgrestest.Start()
	if err != nil {
		return nil, err
	}
	conn, err := pgx.Connect(ctx, server.URL("postgres"))
	if err != nil {
		return nil, errors.Join(err, server.Close())
	}
	return &postgresDatabase{server: server, conn: conn}, nil
}

// postgresDatabase is a PostgreSQL server with its default settings.
type postgresDatabase struct {
	server *postgrestest.Server
	conn   *pgx.Conn
	before databaseUse // in all: CPU and WAL
}

func (d *postgresDatabase) address() string { return d.server.URL("postgres") }

func (d *postgresDatabase) cursor(ctx context.Context) (time.Time, error) {
	var cursor *int64
	if err := d.conn.QueryRow(ctx, `SELECT min(cursor) FROM postburn.lanes`).Scan(&cursor); err != nil || cursor == nil {
		return time.Time{}, errors.Join(err, errNotYet)
	}
	return time.Unix(0, *cursor), nil
}

func (d *postgresDatabase) begin(ctx context.Context) (err error) {
	d.before, err = d.all(ctx)
	return err
}

func (d *postgresDatabase) used(ctx context.Context, ticks int) (databaseUse, error) {
	u, err := d.all(ctx)
	u.databaseCPU = (u.databaseCPU - d.before.databaseCPU) / float64(ticks)
	u.written = (u.written - d.before.written) / float64(ticks)
	u.moved -= d.before.moved
	return u, err
}

func (d *postgresDatabase) all(ctx context.Context) (u databaseUse, err error) {
	const sizes = `SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8, pg_database_size(current_database())::float8,
		(SELECT coalesce(sum(fence), 0)::float8 FROM postburn.leases),
		coalesce(sum(pg_column_size(content)), 0)::float8 FROM postburn.checkpoints WHERE part = 'history'`
	if err := d.conn.QueryRow(ctx, sizes).Scan(&u.written, &u.size, &u.moved, &u.histories); err != nil {
		return u, err
	}
	pid, err := os.ReadFile(d.server.Data("postmaster.pid"))
	if err != nil {
		return u, err
	}
	first, _, _ := bytes.Cut(pid, []byte("\n"))
	u.databaseCPU, err = familyCPU(string(first))
	return u, err
}

func (d *postgresDatabase) Close() error {
	return errors.Join(d.conn.Close(context.Background()), d.server.Close())
}

// familyCPU returns the CPU time, in seconds, of a process, of its children, and of those that have
// ended.
func familyCPU(pid string) (seconds float64, err error) {
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, err
	}
	for _, file := range all {
		stat, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) || len(stat) == 0 {
			continue // it has just ended
		}
		if err != nil {
			return 0, err
		}
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:])) // from the third on: proc_pid_stat(5)
		times := []int{11, 12}                                                    // utime, stime
		switch {
		case filepath.Base(filepath.Dir(file)) == pid:
			times = append(times, 13, 14) // cutime, cstime
		case fields[1] != pid:
			continue
		}
		for _, i := range times {
			ticks, err := strconv.ParseFloat(fields[i], 64)
			if err != nil {
				return 0, fmt.Errorf("reading CPU times: %w", err)
			}
			seconds += ticks / clockTicks
		}
	}
	return seconds, nil
}

// sqliteDatabase is a file. What it takes is part of postburn's CPU.
type sqliteDatabase struct {
	path string
	db   *sql.DB
}

func openSQLite(path string) (*sqliteDatabase, error) {
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro&_pragma=busy_timeout(5000)")
	return &sqliteDatabase{path, db}, err
}

func (d *sqliteDatabase) address() string { return "sqlite:" + d.path }

func (d *sqliteDatabase) cursor(ctx context.Context) (time.Time, error) {
	var cursor sql.NullInt64
	if err := d.db.QueryRowContext(ctx, `SELECT min(cursor) FROM lanes`).Scan(&cursor); err != nil || !cursor.Valid {
		return time.Time{}, errors.Join(err, errNotYet)
	}
	return time.Unix(0, cursor.Int64), nil
}

func (d *sqliteDatabase) begin(context.Context) error { return nil }

func (d *sqliteDatabase) used(ctx context.Context, _ int) (u databaseUse, err error) {
	if err := d.db.QueryRowContext(ctx, `SELECT total(length(content)) FROM checkpoints WHERE part = 'history'`).Scan(&u.histories); err != nil {
		return u, err
	}
	files, err := filepath.Glob(d.path + "*")
	if err != nil {
		return u, err
	}
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			return u, err
		}
		u.size += float64(info.Size())
	}
	return u, nil
}

func (d *sqliteDatabase) Close() error { return d.db.Close() }
