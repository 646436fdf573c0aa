package hubrelay_test

import (
	"fmt"
	"strconv"
	"sync"
	"testing"

	"hubrelay"
	"hubrelay/hubrelaytest"
)

// numbers reads numbered messages up to the last one: each has to be the next, and nothing else may come.
func numbers(t *testing.T, s *hubrelay.Subscription, last int) {
	t.Helper()
	for want := 0; want <= last; want++ {
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
		if got, _ := strconv.Atoi(string(m.Payload)); got != want {
			t.Errorf("message %d came in place of %d", got, want)
			return
		}
	}
}

func TestARestartOfTheRelayLosesNothingDoublesNothingAndFailsNoPublish(t *testing.T) {
	const restarts, each = 20, 200
	relay := hubrelaytest.New(t)
	// On a busy machine a fence may take long; a Gap for that is right, and not what this test is about.
	unhurried := hubrelay.WithTimes(hubrelay.Times{Successor: patience, GapDelay: 1, Drain: patience})
	publisher, listener := relay.Client("publisher", unhurried), relay.Client("listener", unhurried)
	s := listen(t, listener, "room")
	var done sync.WaitGroup
	done.Add(2)
	go func() {
		defer done.Done()
		for i := 0; i <= restarts*each; i++ {
			if _, err := publisher.Publish(waiting(t), "room", []byte(fmt.Sprint(i))); err != nil {
				t.Errorf("publish %d: %v", i, err)
				return
			}
		}
	}()
	go func() {
		defer done.Done()
		numbers(t, s, restarts*each)
	}()
	for i := 1; i <= restarts; i++ {
		published(t, relay, i*each)
		relay.Restart()
		for _, c := range []*hubrelay.Client{publisher, listener} {
			for c.Stats().Connections <= uint64(i) {
				next[*hubrelay.Status](t, c.Events())
			}
		}
	}
	done.Wait()
	if stats := listener.Stats(); stats.Gaps != 0 || stats.Connections < 2 {
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
