package hubrelay

import (
	"context"
	"fmt"
	"net"
	"testing"

	"hubrelay/internal/wire"
)

// TestNoNameIsForgottenByARestore has the relay answer the first Subscribes badly: each name is held or revoked then.
func TestNoNameIsForgottenByARestore(t *testing.T) {
	for name, outcomes := range map[string][]int32{
		"limit, refused by name":  {wire.OutcomeLimit, wire.OutcomeRefused},
		"limit, refused":          {wire.OutcomeLimit, -wire.OutcomeRefused},
		"limit, invalid":          {wire.OutcomeLimit, wire.OutcomeInvalid},
		"limit, limit, refused":   {wire.OutcomeLimit, wire.OutcomeLimit, wire.OutcomeRefused},
		"limit, unknown, refused": {wire.OutcomeLimit, 99, wire.OutcomeRefused, wire.OutcomeLimit},
	} {
		t.Run(name, func(t *testing.T) {
			relay := &scripted{features: allFeatures}
			number := 0
			relay.script = func(socket net.Conn, frame *wire.ClientFrame) bool {
				if frame.Kind != 3 || number == len(outcomes) {
					return false
				}
				outcome := outcomes[number]
				number++
				switch outcome {
				case wire.OutcomeRefused:
					reply(socket, frame.ID, outcome, frame.Channels[0])
				case -wire.OutcomeRefused:
					reply(socket, frame.ID, wire.OutcomeRefused)
				default:
					reply(socket, frame.ID, outcome)
				}
				return true
			}
			ready := make(chan struct{})
			c := relay.unconnected(t, WithDialer(func(ctx context.Context) (net.Conn, error) {
				<-ready
				return relay.dial(ctx)
			}))
			subs := map[string]*Subscription{}
			for i := 0; i < 8; i++ {
				channel := fmt.Sprint("room.", i)
				s, err := c.Listen(soon(t), channel)
				if err != nil {
					t.Fatal(err)
				}
				subs[channel] = s
			}
			close(ready)
			if err := c.Ready(soon(t)); err != nil {
				t.Fatal(err)
			}
			c.eventually(t, "the end of the restore", func() bool { return c.conn.restoring == 0 })
			c.mu.Lock()
			defer c.mu.Unlock()
			revoked := 0
			for channel, s := range subs {
				if s.entries == nil {
					revoked++
				} else if e := c.channels[channel]; !c.conn.names[e].willHold() {
					t.Errorf("%s is neither held nor revoked", channel)
				}
			}
			if revoked > 2 {
				t.Errorf("%d names are revoked, which the relay would have granted", revoked)
			}
		})
	}
}

func TestARefusedPatternDoesNotRevokeTheChannelOfTheSameName(t *testing.T) {
	relay := &scripted{features: allFeatures}
	refused := false
	relay.script = func(socket net.Conn, frame *wire.ClientFrame) bool {
		if frame.Kind != 3 || refused {
			return false
		}
		refused = true
		say(socket, wire.Frame{Kind: wire.KindReply, Reply: wire.Reply{ID: frame.ID, Outcome: wire.OutcomeRefused,
			Patterns: []string{"room"}}})
		return true
	}
	ready := make(chan struct{})
	c := relay.unconnected(t, WithDialer(func(ctx context.Context) (net.Conn, error) {
		<-ready
		return relay.dial(ctx)
	}))
	if _, err := c.Subscribe(soon(t), Names{Channels: []string{"room"}, Patterns: []string{"room", "other"}}); err != nil {
		t.Fatal(err)
	}
	close(ready)
	revoked := nextOf[*Revoked](t, c.Events())
	if len(revoked.Channels) > 0 || len(revoked.Patterns) != 1 || revoked.Patterns[0] != "room" {
		t.Errorf("revoked %+v", revoked)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.channels["room"].wanted() || !c.patterns["other"].wanted() {
		t.Error("more was given up than what was refused")
	}
}
