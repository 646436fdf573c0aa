package hubrelay

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"hubrelay/internal/wire"
)

func TestMessagesToManySubscriptionsDoNotKeepTheLock(t *testing.T) {
	relay := &scripted{features: allFeatures}
	c := relay.client(t)
	for i := 0; i < 2*manyDeliveries; i++ {
		if _, err := c.Listen(soon(t), "all"); err != nil {
			t.Fatal(err)
		}
	}
	gates := [2]*Subscription{}
	for i, channel := range []string{"before", "behind"} {
		var err error
		if gates[i], err = c.Listen(soon(t), channel); err != nil {
			t.Fatal(err)
		}
		gates[i].queue.mu.Lock() // who delivers there waits
	}
	var burst []byte
	add := func(channel string) {
		burst = wire.AppendRelay(burst, &wire.Frame{Kind: wire.KindMessage,
			Message: wire.Message{Channel: []byte(channel)}})
	}
	add("before")
	for i := 0; i < 100; i++ {
		add("all")
	}
	add("behind")
	if _, err := relay.newest().Write(burst); err != nil {
		t.Fatal(err)
	}
	for ctx := soon(t); c.stats.received.Load() == 0; time.Sleep(time.Millisecond) {
		if ctx.Err() != nil {
			t.Fatal("nothing was received")
		}
	}
	// The reader has the lock, and waits in the middle of the burst for the first gate, then for the second one.
	var begun atomic.Int32
	locked := make(chan struct{}, 10)
	for i := 0; i < 10; i++ {
		go func() {
			begun.Add(1)
			c.mu.Lock()
			c.mu.Unlock()
			locked <- struct{}{}
		}()
	}
	for begun.Load() < 10 {
		time.Sleep(time.Millisecond)
	}
	gates[0].queue.mu.Unlock()
	select {
	case <-locked:
	case <-time.After(patience):
		t.Error("the lock was not given away within the burst")
	}
	gates[1].queue.mu.Unlock()
}

// leftUnread is a client whose connection is left unread.
func leftUnread(t *testing.T, relay *scripted) *Client {
	c := relay.client(t, WithLimits(Limits{Queue: 1000}), WithTimes(Times{Settle: time.Hour}))
	if _, err := c.Subscribe(soon(t), Names{Channels: []string{"room"}}); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < 30; i++ {
		sayMessage(relay.newest(), "room", make([]byte, 100))
	}
	c.eventually(t, "a pause", func() bool { return c.conn.paused })
	return c
}

func TestTheEndOfAConnectionIsFoundThoughItIsLeftUnread(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("a hang-up is looked for on Linux")
	}
	relay := &scripted{}
	c := leftUnread(t, relay)
	relay.newest().Close()
	c.eventually(t, "another connection", func() bool { return c.stats.connections.Load() > 1 })
}

func TestAConnectionThatBreaksWhileItIsLeftUnreadIsReplaced(t *testing.T) {
	relay := &scripted{}
	c := leftUnread(t, relay)
	relay.newest().Close()
	c.eventually(t, "another connection", func() bool {
		c.mu.Unlock()
		_ = c.Send("room", nil)
		c.mu.Lock()
		return c.stats.connections.Load() > 1
	})
}
