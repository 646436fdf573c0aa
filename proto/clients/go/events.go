package hubrelay

import (
	"fmt"
	"math"
	"strings"
	"time"

	"hubrelay/internal/wire"
)

// Event is what a Subscription and Events yield: *Message, *Loss, *Gap or *Revoked, and from Events also *Status.
// Events are shared between their readers and must not be changed.
type Event interface {
	// queued is how many bytes the event counts for in a queue.
	queued() int
}

// eventBytes is roughly how many bytes an event takes besides its texts.
const eventBytes = 96

// Message is one message from Redis.
type Message struct {
	// Channel is the channel that the message was published to.
	Channel string
	// Payload is what was published. It is shared with other Subscriptions: it must not be changed.
	Payload []byte
	// Pattern is the pattern that matched; empty when the channel itself is subscribed.
	Pattern string

	queues int32 // how many queues hold it now; changed atomically
}

// Status is the state of the path from this process through the relay to Redis and back.
type Status struct {
	// Connected is false while there is no connection to a relay. Cause is then CauseNoRelay, and State is StateDown.
	Connected bool
	State     State
	Cause     Cause
	// Reason is for people.
	Reason string
	// Since is the time since which the state is as it is.
	Since time.Time
	// Outages counts departures from UP since the relay started.
	Outages uint64
	// Down is set when the state becomes UP again: how long it was not UP.
	Down time.Duration
	// Publishing: what is published now reaches Redis, on any channel.
	Publishing bool
	// Receiving: messages come in, and every subscription is confirmed.
	Receiving bool
	// Gaps counts breaks in receiving since the relay started. The client watches this number and reports a Gap when it
	// grows.
	Gaps uint64
}

// Loss counts what was lost, at its place among the events.
type Loss struct {
	// Publishes is how many publishes without Reply were certainly not delivered.
	Publishes uint64
	// PublishesUnknown is how many publishes without Reply may or may not have been delivered: nobody knows.
	PublishesUnknown uint64
	// Messages is how many messages were dropped: by the relay, or by the client when Local is true.
	Messages uint64
	Cause    Cause
	// Reason is for people.
	Reason string
	// Local is true if this client counted the loss, false if the relay did.
	Local bool
}

// Gap says that messages may have been missed. Now is the time to read again, from where it is stored, everything that
// must not be missed. Other workers get their Gap after other random delays, so that not all of them read at once.
type Gap struct {
	// Reasons are why messages may have been missed, for people: "gaps", "new connection", "loss" and the like.
	Reasons []string
	// Partial is true while some channels are still away. Another Gap comes once all are back.
	Partial bool
}

// Revoked lists subscriptions that ended because Redis refuses them, or because no relay grants them.
// The client does not ask for them again.
type Revoked struct {
	Channels []string
	Patterns []string
	// Detail is for people.
	Detail string
}

func (m *Message) queued() int { return len(m.Channel) + len(m.Payload) + len(m.Pattern) + eventBytes }
func (s *Status) queued() int  { return len(s.Reason) + eventBytes }
func (l *Loss) queued() int    { return len(l.Reason) + eventBytes }
func (g *Gap) queued() int     { return eventBytes }

func (r *Revoked) queued() int {
	size := eventBytes
	for _, names := range [][]string{r.Channels, r.Patterns} {
		for _, name := range names {
			size += len(name) + 16
		}
	}
	return size
}

// String is for logs.
func (s *Status) String() string {
	return fmt.Sprintf("%v (publishing %t, receiving %t, cause %v): %s", s.State, s.Publishing, s.Receiving, s.Cause,
		s.Reason)
}

// String is for logs.
func (g *Gap) String() string {
	if g.Partial {
		return "gap in a part of the channels: " + strings.Join(g.Reasons, ", ")
	}
	return "gap: " + strings.Join(g.Reasons, ", ")
}

// State is the state of the path between this process and Redis. Treat values that have no name here as not UP.
type State int32

// The states of the path.
const (
	// StateUp: publishing and receiving.
	StateUp State = 1
	// StateDegraded: only one of publishing and receiving, or only some channels of a cluster.
	StateDegraded State = 2
	// StateDown: neither publishing nor receiving.
	StateDown State = 3
	// StateStopping: the relay shuts down. The client moves to the next one by itself.
	StateStopping State = 4
)

// String is the name in the protocol, or the number if there is no name.
func (s State) String() string {
	return nameOf(int32(s), map[int32]string{1: "UP", 2: "DEGRADED", 3: "DOWN", 4: "STOPPING"})
}

// Cause is the reason for a Status or a Loss, for programs. Values that have no name here come from newer relays.
type Cause int32

// The causes of a Loss (below 16) or of a Status (16 and up; a Loss because there was no link has one of these, too).
const (
	CauseSlowReader   Cause = 1  // the app, or the client, did not read fast enough
	CauseTooLarge     Cause = 2  // a message from Redis does not fit into a frame
	CauseBadName      Cause = 3  // a message on a channel whose name is not UTF-8
	CauseNotConnected Cause = 4  // publishes while the relay was not publishing
	CauseRefused      Cause = 5  // publishes that Redis answered with an error
	CauseInvalid      Cause = 6  // publishes that were wrong in themselves
	CauseStarting     Cause = 16 // the relay has not been UP yet
	CauseStopping     Cause = 17 // the relay shuts down
	CauseUnreachable  Cause = 18 // Redis cannot be reached
	CauseClosed       Cause = 19 // Redis closed the connection
	CauseTimeout      Cause = 20 // Redis did not answer in time
	CauseAuth         Cause = 21 // Redis does not accept the credentials
	CauseTLS          Cause = 22 // the TLS handshake failed
	CauseBusy         Cause = 23 // Redis is loading, or has no client slot left
	CauseDemoted      Cause = 24 // the server is no longer a master
	CauseProbe        Cause = 25 // the relay's own message did not come back
	CauseProtocol     Cause = 26 // the server that answers does not speak Redis's protocol
	CauseTopology     Cause = 27 // no master is known, or slots of a cluster are away
	CauseNoRelay      Cause = 28 // the client has no connection to a relay
)

// String is the name in the protocol, or the number if there is no name.
func (c Cause) String() string {
	return nameOf(int32(c), map[int32]string{0: "UNSPECIFIED", 1: "SLOW_READER", 2: "TOO_LARGE", 3: "BAD_NAME",
		4: "NOT_CONNECTED", 5: "REFUSED", 6: "INVALID", 16: "STARTING", 17: "STOPPING", 18: "UNREACHABLE",
		19: "CLOSED", 20: "TIMEOUT", 21: "AUTH", 22: "TLS", 23: "BUSY", 24: "DEMOTED", 25: "PROBE", 26: "PROTOCOL",
		27: "TOPOLOGY", 28: "NO_RELAY"})
}

func nameOf(value int32, names map[int32]string) string {
	if name, ok := names[value]; ok {
		return name
	}
	return fmt.Sprint(value)
}

// statusOf makes the application's Status from a Status frame. Times beyond the range of time.Time and time.Duration
// become the largest possible value.
func statusOf(s *wire.Status) *Status {
	return &Status{
		Connected: true, State: State(s.State), Cause: Cause(s.Cause), Reason: s.Reason,
		Since: time.UnixMilli(saturated(s.SinceUnixMS, math.MaxInt64/1000)), Outages: s.Outages,
		Down:       time.Duration(saturated(s.DownMS, math.MaxInt64/int64(time.Millisecond))) * time.Millisecond,
		Publishing: s.Publishing, Receiving: s.Receiving, Gaps: s.Gaps,
	}
}

func saturated(value uint64, limit int64) int64 {
	if value > uint64(limit) {
		return limit
	}
	return int64(value)
}
