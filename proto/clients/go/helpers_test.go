package hubrelay_test

import (
	"context"
	"testing"
	"time"

	"hubrelay"
	"hubrelay/hubrelaytest"
)

// patience is how long a test waits for what must come: long, so that a busy machine fails no test.
const patience = 60 * time.Second

func waiting(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

type source interface {
	Next(ctx context.Context) (hubrelay.Event, error)
}

// next waits for the next event of a type, and skips others.
func next[E hubrelay.Event](t *testing.T, from source) E {
	t.Helper()
	ctx := waiting(t)
	for {
		event, err := from.Next(ctx)
		if err != nil {
			t.Fatalf("waiting for %T: %v", *new(E), err)
		}
		if e, ok := event.(E); ok {
			return e
		}
	}
}

// message waits for the next event, which has to be a message.
func message(t *testing.T, from source) string {
	t.Helper()
	event, err := from.Next(waiting(t))
	if err != nil {
		t.Fatal(err)
	}
	m, ok := event.(*hubrelay.Message)
	if !ok {
		t.Fatalf("%T %v, want a message", event, event)
	}
	return string(m.Payload)
}

func listen(t *testing.T, c *hubrelay.Client, channels ...string) *hubrelay.Subscription {
	t.Helper()
	s, err := c.Listen(waiting(t), channels...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func publish(t *testing.T, c *hubrelay.Client, channel, payload string) uint64 {
	t.Helper()
	receivers, err := c.Publish(waiting(t), channel, []byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	return receivers
}

// up waits until the client has told that the path is UP.
func up(t *testing.T, c *hubrelay.Client) {
	t.Helper()
	for c.Status().State != hubrelay.StateUp {
		next[*hubrelay.Status](t, c.Events())
	}
}

// published waits until so many messages have reached the relay.
func published(t *testing.T, relay *hubrelaytest.Relay, n int) {
	t.Helper()
	if _, err := relay.WaitPublished(waiting(t), n); err != nil {
		t.Errorf("waiting for %d publishes: %v", n, err)
	}
}
