package hubrelay

import (
	"context"
	"net"
	"sync/atomic"
	"testing"

	"hubrelay/internal/wire"
)

func TestCloseLosesNothingThatWasSentToARelayWithoutSettled(t *testing.T) {
	const sends = 100
	relay := &scripted{}
	read := make(chan struct{})
	var came atomic.Int32
	relay.script = func(net.Conn, *wire.ClientFrame) bool {
		<-read
		came.Add(1)
		return false
	}
	c := relay.client(t, WithTimes(Times{Drain: patience}))
	for i := 0; i < sends; i++ {
		if err := c.Send("room", make([]byte, 10000)); err != nil {
			t.Fatal(err)
		}
	}
	closed := make(chan error)
	go func() { closed <- c.Close(context.Background()) }()
	c.eventually(t, "closing", func() bool { return c.closing })
	close(read)
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if came.Load() != sends {
		t.Errorf("%d of %d came", came.Load(), sends)
	}
}

func TestAfterCloseThereIsNoConnection(t *testing.T) {
	c := (&scripted{features: allFeatures}).client(t)
	c.eventually(t, "UP", func() bool { return c.status.Connected })
	if err := c.Close(soon(t)); err != nil {
		t.Fatal(err)
	}
	if s := c.Status(); s.Connected || s.State != StateDown || s.Cause != CauseNoRelay {
		t.Errorf("status %v", &s)
	}
}
