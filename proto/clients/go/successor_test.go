package hubrelay

import (
	"net"
	"testing"
	"time"

	"hubrelay/internal/wire"
)

// TestTheStatusOfTheOldRelayIsToldAgainWhenItsSuccessorEnds: the successor's was told in between, and is not true any
// more.
func TestTheStatusOfTheOldRelayIsToldAgainWhenItsSuccessorEnds(t *testing.T) {
	relay := &scripted{features: append(allFeatures, wire.FeatureFence), renamed: true}
	// Nobody answers the fence, so the move does not end.
	relay.script = func(_ net.Conn, frame *wire.ClientFrame) bool {
		return len(frame.Channels) == 1 && frame.Channels[0] != "room"
	}
	c := relay.client(t, WithTimes(Times{Successor: time.Hour}))
	if _, err := c.Subscribe(soon(t), Names{Channels: []string{"room"}}); err != nil {
		t.Fatal(err)
	}
	stopping := func() bool { return nextOf[*Status](t, c.Events()).State == StateStopping }
	sayStatus(relay.newest(), wire.Status{State: int32(StateStopping), Publishing: true, Receiving: true})
	for !stopping() {
	}
	if stopping() { // it is the successor's
		t.Fatal("STOPPING was told twice")
	}
	relay.newest().Close()
	if !stopping() {
		t.Error("the old relay's STOPPING was not told again")
	}
	if _, err := c.Publish(soon(t), "room", nil); err != nil {
		t.Error(err)
	}
}
