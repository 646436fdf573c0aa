package hubrelay

import (
	"net"
	"sync"
	"testing"
	"time"

	"hubrelay/internal/wire"
)

func mute(net.Conn, *wire.ClientFrame) bool { return true }

// hurried finds a relay that hangs soon.
var hurried = Times{PingOwed: 100 * time.Millisecond, PingIdle: 200 * time.Millisecond,
	PingTimeout: 200 * time.Millisecond}

func TestSendToARelayWithoutSettledLeavesTheClockAlone(t *testing.T) {
	relay := &scripted{features: []string{wire.FeaturePatterns}}
	c := relay.client(t, WithTimes(Times{Settle: time.Nanosecond}))
	if err := c.Send("room", nil); err != nil {
		t.Fatal(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if due := c.conn.settle.due(); !due.IsZero() {
		t.Errorf("it is to ask at %v what no Ping can tell", due)
	}
	if due := c.nextDeadline(time.Now()); time.Until(due) < time.Second {
		t.Errorf("the clock is to look again in %v", time.Until(due))
	}
}

func TestARelayWithoutSettledThatHangsIsFoundBehindASend(t *testing.T) {
	relay := &scripted{script: mute}
	times := hurried
	times.Settle = time.Millisecond
	times.PingIdle = 1500 * time.Millisecond // later than what a stopped process is known by
	c := relay.client(t, WithTimes(times))
	if err := c.Send("room", nil); err != nil {
		t.Fatal(err)
	}
	c.eventually(t, "another connection", func() bool { return c.stats.connections.Load() > 1 })
}

// lastMinute has bytes come when the clock has found that the time is over, and before the reader looks a last time.
type lastMinute struct {
	*net.UnixConn
	once  *sync.Once
	bytes func()
}

func (l lastMinute) SetReadDeadline(t time.Time) error {
	if !t.IsZero() {
		l.once.Do(l.bytes)
	}
	return l.UnixConn.SetReadDeadline(t)
}

func TestARelayThatHangsIsFoundAfterItWasNearlyGivenUp(t *testing.T) {
	relay := &scripted{features: allFeatures, script: mute}
	var once sync.Once
	relay.wrap = func(c net.Conn) net.Conn {
		return lastMinute{c.(*net.UnixConn), &once, func() { sayMessage(relay.newest(), "room", nil) }}
	}
	c := relay.client(t, WithTimes(hurried))
	c.eventually(t, "another connection", func() bool { return c.stats.connections.Load() > 1 })
}

func TestARelayThatHangsIsFoundAfterTheSocketWasLeftUnread(t *testing.T) {
	relay := &scripted{features: allFeatures}
	hang := make(chan struct{})
	relay.script = func(net.Conn, *wire.ClientFrame) bool {
		select {
		case <-hang:
			return true
		default:
			return false
		}
	}
	c := relay.client(t, WithTimes(hurried), WithLimits(Limits{Queue: 1000}))
	if _, err := c.Subscribe(soon(t), Names{Channels: []string{"room"}}); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < 30; i++ {
		sayMessage(relay.newest(), "room", make([]byte, 100))
	}
	c.eventually(t, "a pause, and a clock that stands", func() bool { return c.conn.paused && c.clockDue.IsZero() })
	close(hang)
	go func() {
		for {
			if _, err := c.Events().Next(soon(t)); err != nil {
				return
			}
		}
	}()
	c.eventually(t, "another connection", func() bool { return c.stats.connections.Load() > 1 })
}
