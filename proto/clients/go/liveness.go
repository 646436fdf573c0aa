package hubrelay

import "time"

// liveness finds a relay that hangs. It knows no clock and no socket.
type liveness struct {
	owedAfter time.Duration // silence while something is owed, until a Ping
	idleAfter time.Duration // silence at all, until a Ping
	timeout   time.Duration // silence after a Ping, until the connection is given up
	lastRead  time.Time
	owedSince time.Time // zero: nothing is owed
	pinged    time.Time // zero: no Ping since the last byte
}

type livenessAction int

const (
	livenessWait livenessAction = iota
	livenessPing
	livenessGiveUp
)

// read is that bytes have come.
func (l *liveness) read(now time.Time) {
	l.lastRead = now
	l.pinged = time.Time{}
}

// owed is that a request was written while nothing else was owed.
func (l *liveness) owed(now time.Time) { l.owedSince = now }

// settled is that nothing is owed any more.
func (l *liveness) settled() { l.owedSince = time.Time{} }

// restart begins all waiting anew: this process did not run, or did not read on purpose.
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

// check says what is to be done now.
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
