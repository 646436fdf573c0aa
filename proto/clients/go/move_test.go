package hubrelay_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"hubrelay"
	"hubrelay/hubrelaytest"
)

// numbers reads numbered messages up to one that says "end": each has to be the next, and nothing else may come.
func numbers(t *testing.T, s *hubrelay.Subscription) {
	t.Helper()
	for want := 0; ; want++ {
		event, err := s.Next(waiting(t))
		if err != nil {
			t.Errorf("waiting for %d: %v", want, err)
			return
		}
		m, ok := event.(*hubrelay.Message)
		if !ok {
			t.Errorf("%T %v came in place of %d", event, event, want)
			return
		}
		if string(m.Payload) == "end" {
			return
		}
		if string(m.Payload) != fmt.Sprint(want) {
			t.Errorf("message %s came in place of %d", m.Payload, want)
			return
		}
	}
}

// moves is a logger that counts moves between relays.
type moves chan struct{}

func (m moves) Printf(format string, args ...any) {
	if strings.HasPrefix(format, "hubrelay: moved") {
		m <- struct{}{}
	}
}

func (m moves) wait(t *testing.T) {
	t.Helper()
	select {
	case <-m:
	case <-waiting(t).Done():
		t.Error("no move to the next relay")
	}
}

func TestARestartOfTheRelayLosesNothingDoublesNothingAndFailsNoPublish(t *testing.T) {
	const restarts = 20
	relay := hubrelaytest.New(t)
	// On a busy machine a fence may take long; a Gap for that is right, and not what this test is about.
	unhurried := hubrelay.WithTimes(hubrelay.Times{Successor: patience, GapDelay: 1, Drain: patience})
	moves := make(moves, 2*restarts)
	publisher := relay.Client("publisher", unhurried, hubrelay.WithLogger(moves))
	listener := relay.Client("listener", unhurried, hubrelay.WithLogger(moves))
	s := listen(t, listener, "room")
	stop := make(chan struct{})
	var done sync.WaitGroup
	done.Add(2)
	go func() {
		defer done.Done()
		for i := 0; ; i++ {
			payload := fmt.Sprint(i)
			select {
			case <-stop:
				payload = "end"
			default:
			}
			if _, err := publisher.Publish(waiting(t), "room", []byte(payload)); err != nil {
				t.Errorf("publish %d: %v", i, err)
				return
			}
			if payload == "end" {
				return
			}
		}
	}()
	go func() {
		defer done.Done()
		numbers(t, s)
	}()
	for i := 0; i < restarts; i++ {
		// Behind a move publishes wait for the end of the old connection: after these it is over.
		published(t, relay, len(relay.Published())+200)
		relay.Restart()
		moves.wait(t)
		moves.wait(t)
	}
	close(stop)
	done.Wait()
	if stats := listener.Stats(); stats.Gaps != 0 || stats.Connections != restarts+1 {
		t.Errorf("stats %+v", stats)
	}
}

func TestARestartWithoutAFenceIsAGap(t *testing.T) {
	relay := hubrelaytest.New(t)
	relay.Without("fence")
	c := relay.Client("worker")
	s := listen(t, c, "room")
	relay.Restart()
	if gap := next[*hubrelay.Gap](t, s); gap.Reasons[0] != "next relay" {
		t.Errorf("gap %+v", gap)
	}
	publish(t, c, "room", "after")
	if got := message(t, s); got != "after" {
		t.Errorf("message %q", got)
	}
}

func TestWhatIsOwedBySendIsSettledOverAMove(t *testing.T) {
	relay := hubrelaytest.New(t)
	c := relay.Client("worker")
	for i := 0; i < 10; i++ {
		if err := c.Send("room", []byte("sent")); err != nil {
			t.Fatal(err)
		}
	}
	relay.Restart()
	for c.Stats().Connections < 2 {
		next[*hubrelay.Status](t, c.Events())
	}
	published(t, relay, 10)
	if err := c.Close(waiting(t)); err != nil {
		t.Fatal(err)
	}
	if stats := c.Stats(); stats.LostUnknown != 0 || stats.LostPublishes != 0 {
		t.Errorf("stats %+v", stats)
	}
}

func TestPatternsThatTheNextRelayDoesNotHaveAreRevoked(t *testing.T) {
	relay := hubrelaytest.New(t)
	c := relay.Client("worker")
	rooms := listen(t, c, "room")
	users, err := c.ListenPattern(waiting(t), "user.*")
	if err != nil {
		t.Fatal(err)
	}
	relay.Without("patterns")
	relay.Cut()
	if revoked := next[*hubrelay.Revoked](t, users); revoked.Patterns[0] != "user.*" {
		t.Errorf("revoked %+v", revoked)
	}
	next[*hubrelay.Gap](t, rooms)
}

// TestEverythingAtOnce is for the race detector: many goroutines, while relays come and go.
func TestEverythingAtOnce(t *testing.T) {
	relay := hubrelaytest.New(t)
	c := relay.Client("worker")
	stop := make(chan struct{})
	var running sync.WaitGroup
	run := func(f func(i int)) {
		running.Add(1)
		go func() {
			defer running.Done()
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
					f(i)
				}
			}
		}()
	}
	ctx := waiting(t)
	for worker := 0; worker < 4; worker++ {
		run(func(i int) { _, _ = c.Publish(ctx, fmt.Sprint("room.", i%10), []byte("p")) })
		run(func(i int) {
			if s, err := c.Listen(ctx, fmt.Sprint("room.", i%10), "all"); err == nil {
				s.Close()
			}
		})
	}
	run(func(i int) { _ = c.Send(fmt.Sprint("room.", i%10), nil) })
	run(func(i int) {
		names := hubrelay.Names{Channels: []string{"all"}, Patterns: []string{"room.*"}}
		_, _ = c.Subscribe(ctx, names)
		_ = c.Unsubscribe(ctx, names)
	})
	running.Add(1)
	go func() {
		defer running.Done()
		for {
			if _, err := c.Events().Next(ctx); err != nil {
				return
			}
		}
	}()
	for i := 1; i <= 20; i++ {
		published(t, relay, len(relay.Published())+50)
		switch i % 4 {
		case 0:
			relay.Cut()
		case 1:
			relay.Restart()
		case 2:
			relay.Down()
			relay.Up()
		case 3:
			relay.Lose(1)
		}
	}
	close(stop)
	if err := c.Close(ctx); err != nil {
		t.Error(err)
	}
	running.Wait()
	if stats := c.Stats(); stats.BytesQueued != 0 {
		t.Errorf("bytes queued after the end: %+v", stats)
	}
}
