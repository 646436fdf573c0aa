package hubrelay

import "time"

// liveness detects a relay that hangs. It uses no clock and no socket.
type liveness struct {
	owedAfter time.Duration // the silence before a Ping while something is owed
	idleAfter time.Duration // the silence before a Ping at any time
	timeout   time.Duration // the silence after a Ping before the connection is given up
	lastRead  time.Time
	owedSince time.Time // zero: nothing is owed
	pinged    time.Time // when a Ping was sent; zero: none since the last byte
}

type livenessAction int

const (
	livenessWait livenessAction = iota
	livenessPing
	livenessGiveUp
)

// read notes that bytes have come.
func (l *liveness) read(now time.Time) {
	l.lastRead = now
	l.pinged = time.Time{}
}

// owed notes that a request was written while nothing else was owed.
func (l *liveness) owed(now time.Time) { l.owedSince = now }

// settled notes that nothing is owed any more.
func (l *liveness) settled() { l.owedSince = time.Time{} }

// restart begins all waiting again, because this process did not run, or deliberately did not read.
func (l *liveness) restart(now time.Time) { l.read(now) }

// due is when check has something to do.
func (l *liveness) due() time.Time {
	if !l.pinged.IsZero() {
		return l.pinged.Add(l.timeout)
	}
	due := l.lastRead.Add(l.idleAfter)
	if !l.owedSince.IsZero() {
		since := l.lastRead
		if l.owedSince.After(since) {
			since = l.owedSince
		}
		due = earlier(due, since.Add(l.owedAfter))
	}
	return due
}

// check returns what to do now.
func (l *liveness) check(now time.Time) livenessAction {
	if now.Before(l.due()) {
		return livenessWait
	}
	if !l.pinged.IsZero() {
		return livenessGiveUp
	}
	l.pinged = now
	return livenessPing
}
