package hubrelay

import (
	"testing"
	"time"

	"hubrelay/internal/wire"
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

func TestAnEndInOrderLeavesNothingUnknown(t *testing.T) {
	for _, c := range []struct {
		name    string
		hurried bool // the relay closes before the client has shut its writing side
		unknown uint64
	}{{"in order", false, 0}, {"abrupt", true, 1}} {
		t.Run(c.name, func(t *testing.T) {
			relay := &scripted{renamed: true}
			client := relay.client(t)
			if err := client.Send("room", nil); err != nil {
				t.Fatal(err)
			}
			client.eventually(t, "the publish at the relay", func() bool { return len(relay.got()) > 0 })
			if c.hurried {
				relay.newest().Close()
			} else {
				sayStatus(relay.newest(), wire.Status{State: int32(StateStopping), Publishing: true, Receiving: true})
			}
			client.eventually(t, "the end of the first connection", func() bool {
				return client.stats.connections.Load() > 1 && client.conn != nil && client.old == nil
			})
			if unknown := client.Stats().LostUnknown; unknown != c.unknown {
				t.Errorf("%d unknown, want %d", unknown, c.unknown)
			}
		})
	}
}
