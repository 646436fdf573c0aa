package hubrelay

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

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

// slowLogger counts lines that it was given after Close.
type slowLogger struct {
	closed atomic.Bool
	late   atomic.Int32
	goOn   chan struct{}
}

func (l *slowLogger) Printf(string, ...any) {
	<-l.goOn
	if l.closed.Load() {
		l.late.Add(1)
	}
}

func TestNoLineIsLoggedAfterClose(t *testing.T) {
	logger := &slowLogger{goOn: make(chan struct{})}
	c := (&scripted{features: allFeatures}).client(t, WithLogger(logger), WithTimes(Times{Drain: patience}))
	done := c.log.done
	closed := make(chan error)
	go func() {
		err := c.Close(context.Background())
		logger.closed.Store(true)
		closed <- err
	}()
	c.eventually(t, "the end of all but the logger", func() bool { return c.fatal })
	select {
	case <-closed:
		t.Error("Close has not waited")
	case <-time.After(50 * time.Millisecond):
	}
	close(logger.goOn)
	<-done
	if logger.late.Load() > 0 {
		t.Errorf("%d lines after Close", logger.late.Load())
	}
}
