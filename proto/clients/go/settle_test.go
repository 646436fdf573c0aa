package hubrelay

import (
	"testing"
	"time"
)

func TestWhatIsUnknownIsWhatNeitherAPingNorALossNorTheSocketAccountsFor(t *testing.T) {
	s := settler{every: time.Second, asks: true}
	send := func(n int) {
		for i := 0; i < n; i++ {
			if s.send() {
				s.since = at(0)
			}
		}
	}
	send(10)
	if s.due() != at(1) {
		t.Fatalf("due at %v", s.due())
	}
	s.ask()
	send(5) // behind the Ping
	if !s.due().IsZero() {
		t.Fatal("asks again before the Reply")
	}
	s.loss(3) // of the first ten
	s.answered(true, at(2))
	if s.due() != at(3) || s.unknown(0) != 5 {
		t.Fatalf("due at %v, %d unknown; want %v, 5", s.due(), s.unknown(0), at(3))
	}
	s.loss(1)
	if got := s.unknown(2); got != 2 {
		t.Fatalf("%d unknown, want 2: one of five is in a Loss, two were not written", got)
	}
	s.ask()
	s.answered(true, at(4))
	if !s.due().IsZero() || s.unknown(0) != 0 || s.unasked() {
		t.Fatal("something is left when all is settled")
	}
}

func TestAPingThatIsNotGrantedSettlesNothing(t *testing.T) {
	s := settler{every: time.Second, asks: true}
	s.send()
	s.ask()
	s.answered(false, at(1))
	if s.unknown(0) != 1 || s.due() != at(2) {
		t.Fatalf("%d unknown, due at %v", s.unknown(0), s.due())
	}
}
