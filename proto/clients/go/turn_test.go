package hubrelay_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"hubrelay"
	"hubrelay/hubrelaytest"
)

// Callers read for themselves once some publishes have been made one by one. Whatever comes then has to be read, too.
func TestWhoPublishesAloneReadsItsOwnReplyAndNobodyElseWaits(t *testing.T) {
	relay := hubrelaytest.New(t)
	c := relay.Client("worker")
	alone := func() {
		for i := 0; i < 100; i++ {
			publish(t, c, "room", fmt.Sprint(i))
		}
	}

	alone()
	relay.Down() // nobody publishes: the Status is read nevertheless
	for next[*hubrelay.Status](t, c.Events()).State != hubrelay.StateDown {
	}
	relay.Up()
	up(t, c)

	alone()
	relay.Stall()
	ctx, cancel := context.WithCancel(context.Background())
	before := len(relay.Published())
	go func() {
		published(t, relay, before+1)
		cancel()
	}()
	if _, err := c.Publish(ctx, "room", nil); !errors.Is(err, hubrelay.ErrInterrupted) {
		t.Errorf("given up while it reads: %v", err)
	}
	relay.Resume()

	alone()
	room := listen(t, c, "room")
	publish(t, c, "room", "heard")
	if got := message(t, room); got != "heard" {
		t.Errorf("message %q", got)
	}
	room.Close()

	alone()
	relay.Cut()
	for c.Stats().Connections < 2 {
		next[*hubrelay.Status](t, c.Events())
	}
	alone()
	if err := c.Close(waiting(t)); err != nil {
		t.Error(err)
	}
}
