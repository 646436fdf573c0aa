package hubrelay

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"hubrelay/internal/wire"
)

// lateConn holds back the end of a write: a writer that is not scheduled at once. It is no syscall.Conn.
type lateConn struct {
	net.Conn
	late  *atomic.Bool
	begun chan struct{}
	end   chan struct{}
}

func (l lateConn) Write(b []byte) (int, error) {
	if l.late.CompareAndSwap(true, false) {
		close(l.begun)
		<-l.end
	}
	return l.Conn.Write(b)
}

func TestWhatIsAskedForWhileAConnectionEndsIsKeptForTheNext(t *testing.T) {
	relay := &scripted{features: allFeatures}
	var late atomic.Bool
	begun, end := make(chan struct{}), make(chan struct{})
	var once sync.Once
	goOn := func() { once.Do(func() { close(end) }) }
	relay.wrap = func(c net.Conn) net.Conn { return lateConn{c, &late, begun, end} }
	c := relay.client(t)
	ctx := soon(t)
	if _, err := c.Subscribe(ctx, Names{Channels: []string{"former"}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(goOn)
	late.Store(true)
	go func() { _, _ = c.Publish(ctx, "room", nil) }()
	<-begun
	first := relay.newest()
	first.Close()
	c.eventually(t, "the end", func() bool { return c.conn.ended != nil && c.conn.writing })

	if pending, err := c.Subscribe(ctx, Names{Channels: []string{"plain"}}); !pending || err != nil {
		t.Errorf("Subscribe: pending %t, %v", pending, err)
	}
	if err := c.Unsubscribe(ctx, Names{Channels: []string{"former"}}); err != nil {
		t.Errorf("Unsubscribe: %v", err)
	}
	s, err := c.Listen(ctx, "heard")
	if err != nil || !s.Pending() {
		t.Fatalf("Listen: %v", err)
	}
	if err := c.Send("room", nil); err == nil {
		t.Error("Send to a connection that has ended")
	}
	goOn()
	nextOf[*Gap](t, s)
	c.mu.Lock()
	defer c.mu.Unlock()
	for channel, want := range map[string]bool{"former": false, "plain": true, "heard": true} {
		e := c.channels[channel]
		if held := e != nil && c.conn.names[e].willHold(); held != want {
			t.Errorf("%s: held %t, want %t", channel, held, want)
		}
	}
}

// heldSubscribe has the script keep the Subscribe with this number from being answered.
func heldSubscribe(relay *scripted, number int) chan *wire.ClientFrame {
	held := make(chan *wire.ClientFrame, 1)
	count := 0
	relay.script = func(_ net.Conn, frame *wire.ClientFrame) bool {
		if frame.Kind == 3 {
			if count++; count == number {
				held <- frame
				return true
			}
		}
		return false
	}
	return held
}

func TestALateReplyToSubscribeDoesNotUndoAnUnsubscribe(t *testing.T) {
	relay := &scripted{features: allFeatures}
	held := heldSubscribe(relay, 2)
	c := relay.client(t)
	s, err := c.Listen(soon(t), "room")
	if err != nil {
		t.Fatal(err)
	}
	subscribed := make(chan error, 1)
	go func() {
		_, err := c.Subscribe(soon(t), Names{Channels: []string{"room"}})
		subscribed <- err
	}()
	frame := <-held
	if err := c.Unsubscribe(soon(t), Names{Channels: []string{"room"}}); err != nil {
		t.Fatal(err)
	}
	reply(relay.newest(), frame.ID, wire.OutcomeOK)
	if err := <-subscribed; err != nil {
		t.Fatal(err)
	}
	c.mu.Lock()
	plain := c.channels["room"].plain
	c.mu.Unlock()
	if plain {
		t.Error("subscribed after Unsubscribe")
	}
	s.Close()
}

func TestALateReplyOfARelayThatWasLeftDoesNotUndoAnUnsubscribe(t *testing.T) {
	relay := &scripted{features: allFeatures, keep: true}
	held := heldSubscribe(relay, 1)
	c := relay.client(t, WithTimes(Times{Successor: 1}))
	old := relay.newest()
	subscribed := make(chan error, 1)
	go func() {
		_, err := c.Subscribe(soon(t), Names{Channels: []string{"room"}})
		subscribed <- err
	}()
	frame := <-held
	// The relay_id is that of the relay which is stopping: no successor.
	stopping := statusUp()
	stopping.State = 4
	sayStatus(old, stopping)
	c.eventually(t, "the old relay is left", func() bool { return c.conn == nil && c.old != nil })
	if err := c.Unsubscribe(soon(t), Names{Channels: []string{"room"}}); err != nil {
		t.Fatal(err)
	}
	reply(old, frame.ID, wire.OutcomeOK)
	if err := <-subscribed; err != nil {
		t.Fatal(err)
	}
	c.mu.Lock()
	e := c.channels["room"]
	wanted := e != nil && e.wanted()
	c.mu.Unlock()
	if wanted {
		t.Error("subscribed after Unsubscribe")
	}
}

func TestASecondListenerIsPendingWhileTheRelayIsNotReceiving(t *testing.T) {
	relay := &scripted{features: allFeatures}
	c := relay.client(t)
	if _, err := c.Listen(soon(t), "room"); err != nil {
		t.Fatal(err)
	}
	sayStatus(relay.newest(), wire.Status{State: 2, Publishing: true, Gaps: 1})
	c.eventually(t, "not receiving", func() bool { return !c.conn.receiving })
	s, err := c.Listen(soon(t), "room")
	if err != nil || !s.Pending() {
		t.Errorf("pending %t, error %v", s.Pending(), err)
	}
	if frames := relay.got(); len(frames) != 1 {
		t.Errorf("%d frames: the relay is asked once", len(frames))
	}
}
