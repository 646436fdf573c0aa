package hubrelay

import (
	"testing"
	"time"
)

func live() *liveness {
	return &liveness{owedAfter: 5 * time.Second, idleAfter: 15 * time.Second, timeout: 5 * time.Second, lastRead: at(0)}
}

func TestSilenceWhileOwedIsPingedAndThenGivenUp(t *testing.T) {
	l := live()
	l.owed(at(3))
	if l.check(at(7.9)) != livenessWait {
		t.Fatal("5 s since something is owed have not passed")
	}
	if l.check(at(8)) != livenessPing || l.check(at(12.9)) != livenessWait || l.check(at(13)) != livenessGiveUp {
		t.Fatal("want a Ping at 8 s, and the end at 13 s")
	}
}

func TestAByteBeginsTheWaitAnew(t *testing.T) {
	l := live()
	l.owed(at(0))
	l.check(at(5)) // a Ping
	l.read(at(9.9))
	if l.check(at(10)) != livenessWait || l.check(at(14.9)) != livenessPing {
		t.Fatal("the byte does not count")
	}
}

func TestAnIdleConnectionIsPingedLater(t *testing.T) {
	l := live()
	l.owed(at(1))
	l.settled()
	if l.check(at(14.9)) != livenessWait || l.check(at(15)) != livenessPing {
		t.Fatal("want a Ping after 15 s")
	}
}

func TestTimeInWhichTheProcessDidNotRunDoesNotCount(t *testing.T) {
	l := live()
	l.owed(at(0))
	l.check(at(5)) // a Ping
	l.restart(at(60))
	if l.check(at(61)) != livenessWait || l.due() != at(65) {
		t.Fatalf("due at %v", l.due())
	}
}
