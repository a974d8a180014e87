// Package postgrestest runs real PostgreSQL servers for tests: each in a temporary folder, reached
// by a socket in it, so that none needs a port. It needs PostgreSQL's programs (the Debian package
// postgresql), which `make setup` installs. As root, they run as the user postgres or nobody.
//
// Start reading at Start in server.go. proxy.go has a proxy that cuts connections.
package postgrestest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// patience is how long a server may take to start or stop.
const patience = time.Minute

// Server is a server that can be stopped and started again.
type Server struct {
	bin, folder string
	as          *syscall.SysProcAttr
	settings    []string
	made        atomic.Int64 // databases

	process *exec.Cmd
	log     bytes.Buffer
	ended   chan struct{}
	err     error // of the process, once ended
}

// Start makes a server with settings such as "fsync=off", and starts it. Close ends it and removes
// its folder.
func Start(settings ...string) (_ *Server, err error) {
	s := &Server{settings: settings}
	if s.bin, err = programs(); err != nil {
		return nil, err
	}
	// A socket's path has 107 bytes at most.
	if s.folder, err = os.MkdirTemp("", "postburn-pg-"); err != nil {
		return nil, err
	}
	if s.as, err = unprivileged(s.folder); err == nil {
		err = s.run("initdb", "-D", s.data(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
	}
	if err == nil {
		err = s.Up()
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// programs returns the folder of the newest PostgreSQL.
func programs() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", errors.Join(errors.New("no PostgreSQL: `make setup` installs it"), err)
	}
	newest := slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })
	return filepath.Dir(newest), nil
}

// version returns the version in a path like /usr/lib/postgresql/15/bin/initdb; 0 if it has none.
func version(path string) int {
	n, err := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
	if err != nil {
		return 0
	}
	return n
}

// unprivileged returns how to run a server, which refuses to run as root, and gives it a folder.
func unprivileged(folder string) (*syscall.SysProcAttr, error) {
	as := &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // if the test is killed itself
	if os.Getuid() != 0 {
		return as, nil
	}
	who, err := user.Lookup("postgres")
	if err != nil {
		who, err = user.Lookup("nobody")
	}
	if err != nil {
		return nil, err
	}
	uid, err := strconv.Atoi(who.Uid)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.Atoi(who.Gid)
	if err != nil {
		return nil, err
	}
	as.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return as, errors.Join(os.Chown(folder, uid, gid), os.Chmod(folder, 0o755))
}

func (s *Server) data() string { return filepath.Join(s.folder, "data") }

// Socket returns the path of the server's socket.
func (s *Server) Socket() string { return filepath.Join(s.folder, ".s.PGSQL.5432") }

// Data returns the path of a file of the server, such as pg_hba.conf.
func (s *Server) Data(name string) string { return filepath.Join(s.data(), name) }

func (s *Server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, name), args...)
	cmd.Dir, cmd.SysProcAttr = s.folder, s.as
	return cmd
}

func (s *Server) run(name string, args ...string) error {
	if out, err := s.command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	return nil
}

// Up starts the server, and waits until it answers.
func (s *Server) Up() error {
	args := []string{"-D", s.data(), "-k", s.folder, "-c", "listen_addresses="}
	for _, setting := range s.settings {
		args = append(args, "-c", setting)
	}
	s.log.Reset()
	s.process = s.command("postgres", args...)
	s.process.Stdout, s.process.Stderr = &s.log, &s.log
	if err := s.process.Start(); err != nil {
		return err
	}
	s.ended = make(chan struct{})
	go func() {
		s.err = s.process.Wait()
		close(s.ended)
	}()
	for begun := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		err := s.Exec("postgres", "SELECT 1")
		if err == nil {
			return nil
		}
		select {
		case <-s.ended:
			return fmt.Errorf("the server ended: %w\n%s", s.err, &s.log)
		default:
		}
		if time.Since(begun) > patience {
			return fmt.Errorf("waiting for the server: %w", err)
		}
	}
}

// Down ends the server: at once, as after a crash, or after telling its clients.
func (s *Server) Down(crash bool) error {
	if s.ended == nil {
		return nil
	}
	signal := syscall.SIGINT // fast
	if crash {
		signal = syscall.SIGQUIT // immediate
	}
	if err := s.process.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-s.ended:
		s.ended = nil
		return nil
	case <-time.After(patience):
		return errors.New("the server does not stop")
	}
}

// Close ends the server and removes its folder.
func (s *Server) Close() error { return errors.Join(s.Down(true), os.RemoveAll(s.folder)) }

// URL returns the address of a database as the superuser, who needs no password.
func (s *Server) URL(database string) string {
	return "postgres:///" + database + "?" + url.Values{"host": {s.folder}, "user": {"postgres"}}.Encode()
}

// Create makes an empty database, and returns its name.
func (s *Server) Create() (string, error) {
	name := fmt.Sprintf("test%d", s.made.Add(1))
	return name, s.Exec("postgres", "CREATE DATABASE "+name)
}

// Exec runs statements in a database as the superuser.
func (s *Server) Exec(database, statements string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.URL(database))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.PgConn().Exec(ctx, statements).ReadAll()
	return err
}
