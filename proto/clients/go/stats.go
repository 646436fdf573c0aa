package hubrelay

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// Stats are counters since the client was made.
type Stats struct {
	// Published is how many publishes were handed to a connection, with or without Reply.
	Published uint64
	// The failures of publishes, by the kind of error that the caller got.
	NotConnected, Interrupted, Refused, Invalid, Congested, Unknown, Closed uint64
	// Received is how many messages the relay has sent.
	Received uint64
	// LostMessages and LostPublishes are the numbers reported in a Loss, by the relay or the client. LostUnknown is how
	// many publishes may or may not have been delivered.
	LostMessages, LostPublishes, LostUnknown uint64
	// Gaps is how many Gaps were reported.
	Gaps uint64
	// Connections is how many connections got a Welcome: the first one, and each reconnect or move.
	Connections uint64
	// BytesQueued is how many bytes are in queues now, not yet taken by the application.
	BytesQueued int64
}

type counters struct {
	published, received, lost, lostPublishes, lostUnknown, gaps, connections atomic.Uint64

	notConnected, interrupted, refused, invalid, congested, unknown, closed atomic.Uint64
}

// Stats returns the present values of the counters.
func (c *Client) Stats() Stats {
	s := &c.stats
	return Stats{
		Published: s.published.Load(), NotConnected: s.notConnected.Load(), Interrupted: s.interrupted.Load(),
		Refused: s.refused.Load(), Invalid: s.invalid.Load(), Congested: s.congested.Load(),
		Unknown: s.unknown.Load(), Closed: s.closed.Load(), Received: s.received.Load(),
		LostMessages: s.lost.Load(), LostPublishes: s.lostPublishes.Load(), LostUnknown: s.lostUnknown.Load(),
		Gaps: s.gaps.Load(), Connections: s.connections.Load(), BytesQueued: c.queued.Load(),
	}
}

// failed counts the error of a publish.
func (s *counters) failed(err error) {
	for _, k := range []struct {
		kind    error
		counter *atomic.Uint64
	}{{ErrNotConnected, &s.notConnected}, {ErrInterrupted, &s.interrupted}, {ErrRefused, &s.refused},
		{ErrInvalid, &s.invalid}, {ErrCongested, &s.congested}, {ErrClosed, &s.closed}, {ErrUnknown, &s.unknown}} {
		if errors.Is(err, k.kind) {
			k.counter.Add(1)
			return
		}
	}
}

// logQueue passes lines to the logger in order, from a goroutine of its own. Lines are made while the client's lock is
// held, and a logger must not be called with that lock. A logger that blocks loses lines and delays nobody. printf and
// close are called with that lock held.
type logQueue struct {
	lines chan logLine  // nil: there is no logger, or it is closed
	done  chan struct{} // closed after the last line; nil: there is no logger
}

type logLine struct {
	format string
	args   []any
}

func (l *logQueue) init(logger Logger) {
	if logger == nil {
		return
	}
	lines, done := make(chan logLine, 64), make(chan struct{})
	l.lines, l.done = lines, done
	go func() {
		defer close(done)
		for line := range lines {
			logger.Printf(line.format, line.args...)
		}
	}()
}

func (l *logQueue) printf(format string, args ...any) {
	if l.lines == nil {
		return
	}
	select {
	case l.lines <- logLine{format, args}:
	default:
	}
}

func (l *logQueue) close() {
	if l.lines != nil {
		close(l.lines)
		l.lines = nil
	}
}

// wait is called after close, without the lock. It waits until the logger has got its last line or the context ends,
// but no longer than patience, since the logger may block.
func (l *logQueue) wait(ctx context.Context, patience time.Duration) {
	if l.done == nil {
		return
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-l.done:
	case <-timer.C:
	case <-ctx.Done():
	}
}
