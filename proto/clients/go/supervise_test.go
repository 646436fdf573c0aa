package hubrelay

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"hubrelay/internal/wire"
)

func TestANextRelayThatLetsNobodyInIsNoOutageWhileTheOldOneServes(t *testing.T) {
	relay := &scripted{features: allFeatures}
	var attempts atomic.Int32
	c := relay.unconnected(t, WithTimes(Times{Successor: time.Hour}),
		WithDialer(func(ctx context.Context) (net.Conn, error) {
			if attempts.Add(1) == 1 {
				return relay.dial(ctx)
			}
			ours, theirs := socketPair()
			go func() {
				defer theirs.Close()
				_, _ = theirs.Read(make([]byte, 100))
				say(theirs, wire.Frame{Kind: wire.KindError,
					Error: wire.Error{Code: wire.CodeNotAllowed, Detail: "not you"}})
			}()
			return ours, nil
		}))
	if err := c.Ready(soon(t)); err != nil {
		t.Fatal(err)
	}
	stopping := statusUp()
	stopping.State = 4
	sayStatus(relay.newest(), stopping)
	c.eventually(t, "a third attempt", func() bool { return attempts.Load() == 3 })
	if s := c.Status(); !s.Connected || s.State != StateStopping {
		t.Errorf("status %v", &s)
	}
	if _, err := c.Publish(soon(t), "room", nil); err != nil {
		t.Error(err)
	}
}
