package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
)

const (
	lookForAnswers = 20 * time.Millisecond
	// answering is how many questions a replica works on at a time.
	answering = 4
	// forgotten is when a question is removed whose replica has not done so.
	forgotten = time.Minute
)

// channel is that of all schemas of a database.
const channel = "postburn_questions"

// The statements of questions and answers. A notification names schema and question.
const (
	selectPeers        = `SELECT name FROM replicas WHERE until > now() AND name <> $1 ORDER BY name`
	deleteOldQuestions = `DELETE FROM questions WHERE asked < now() - make_interval(secs => $1)`
	insertQuestion     = `INSERT INTO questions (replica, content) VALUES ($1, $2) RETURNING id`
	notify             = `SELECT pg_notify('` + channel + `', current_schema() || ' ' || $1::bigint)`
	deleteQuestion     = `DELETE FROM questions WHERE id = $1`
	selectQuestion     = `SELECT content FROM questions WHERE id = $1 AND replica <> $2`
	insertAnswer       = `INSERT INTO answers (question, replica, content) SELECT id, $2, $3 FROM questions WHERE id = $1`
	selectAnswers      = `SELECT replica, content FROM answers WHERE question = $1 AND replica <> ALL($2::text[])`
)

// Peers are the replicas that share a store, seen from one of them. They ask each other what only
// the process that runs a lane knows. It costs nothing while nobody asks.
type Peers struct {
	database *database
	replica  string
	logger   *slog.Logger
}

// Peers returns the other replicas, for the one of this name.
func (s *Store) Peers(replica string, logger *slog.Logger) *Peers {
	return &Peers{s.database, replica, logger}
}

// Ask puts a question to all other replicas that live, and returns their answers, by replica. Those
// that have not answered when ctx ends are missing; that alone is no error.
func (p *Peers) Ask(ctx context.Context, question []byte) (answers map[string][]byte, err error) {
	answers = map[string][]byte{}
	var id int64
	var living []string
	err = p.transact(ctx, func(ctx context.Context, tx pgx.Tx) error {
		b := &pgx.Batch{}
		b.Queue(deleteOldQuestions, forgotten.Seconds())
		b.Queue(selectPeers, p.replica).Query(func(rows pgx.Rows) (err error) {
			living, err = pgx.CollectRows(rows, pgx.RowTo[string])
			return err
		})
		if err := tx.SendBatch(ctx, b).Close(); err != nil || len(living) == 0 {
			return err
		}
		if err := tx.QueryRow(ctx, insertQuestion, p.replica, question).Scan(&id); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, notify, id)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("asking the other replicas: %w", err)
	}
	if len(living) == 0 {
		return answers, nil
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_, _ = p.database.pool.Exec(ctx, deleteQuestion, id) // else it is removed later
	}()
	ticker := time.NewTicker(lookForAnswers)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return answers, nil
		case <-ticker.C:
		}
		if err := p.collect(ctx, id, answers); err != nil && ctx.Err() == nil {
			return nil, fmt.Errorf("reading what the other replicas answer: %w", p.database.Explain(err))
		}
		if len(answers) >= len(living) {
			return answers, nil
		}
	}
}

// collect adds the answers that have come since.
func (p *Peers) collect(ctx context.Context, question int64, answers map[string][]byte) error {
	have := []string{}
	for replica := range answers {
		have = append(have, replica)
	}
	rows, err := p.database.pool.Query(ctx, selectAnswers, question, have)
	if err != nil {
		return err
	}
	var replica string
	var content []byte
	_, err = pgx.ForEachRow(rows, []any{&replica, &content}, func() error {
		answers[replica], content = content, nil
		return nil
	})
	return err
}

func (p *Peers) transact(ctx context.Context, do func(context.Context, pgx.Tx) error) error {
	return p.database.Explain(p.database.transact(ctx, pgx.TxOptions{}, do))
}

// Serve answers what other replicas ask until ctx is done. It keeps one connection for that, and
// connects again when it is lost.
func (p *Peers) Serve(ctx context.Context, answer func(ctx context.Context, question []byte) ([]byte, error)) error {
	for wait := time.Duration(0); ; wait = time.Second {
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
		if err := p.listen(ctx, answer); err != nil && ctx.Err() == nil {
			p.logger.Debug("other replicas get no answers; connecting again", "err", p.database.Explain(err))
		}
	}
}

// listen answers questions until its connection ends.
func (p *Peers) listen(ctx context.Context, answer func(context.Context, []byte) ([]byte, error)) error {
	conn, err := p.database.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	listening := conn.Hijack() // so that it does not go back with what it listens to
	defer listening.Close(context.WithoutCancel(ctx))
	if _, err := listening.Exec(ctx, "LISTEN "+channel); err != nil {
		return err
	}
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(answering)
	defer func() { _ = work.Wait() }()
	for {
		n, err := listening.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		id, own := strings.CutPrefix(n.Payload, p.database.schema+" ")
		if !own {
			continue
		}
		work.Go(func() error {
			if err := p.answer(ctx, id, answer); err != nil && ctx.Err() == nil {
				p.logger.Debug("answering another replica", "err", p.database.Explain(err))
			}
			return nil
		})
	}
}

// answer answers one question, unless it is this replica's own or nobody waits for it any more.
func (p *Peers) answer(ctx context.Context, question string, answer func(context.Context, []byte) ([]byte, error)) error {
	ctx, cancel := context.WithTimeout(ctx, forgotten)
	defer cancel()
	id, err := strconv.ParseInt(question, 10, 64)
	if err != nil {
		return err
	}
	rows, err := p.database.pool.Query(ctx, selectQuestion, id, p.replica)
	if err != nil {
		return err
	}
	questions, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil || len(questions) == 0 {
		return err
	}
	content, err := answer(ctx, questions[0])
	if err != nil {
		return err
	}
	_, err = p.database.pool.Exec(ctx, insertAnswer, id, p.replica, content)
	return err
}
