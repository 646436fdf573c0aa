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

// eventBytes is what an event takes besides its texts, roughly.
const eventBytes = 96

// Message is one message from Redis.
type Message struct {
	// Channel is where it was published.
	Channel string
	// Payload is what was published. It is shared with other Subscriptions: it must not be changed.
	Payload []byte
	// Pattern is the pattern that matched; empty when the channel itself is subscribed.
	Pattern string

	queues int32 // that hold it now; changed atomically
}

// Status is the truth about the way between this process and Redis.
type Status struct {
	// Connected is false while there is no connection to a relay. Cause is CauseNoRelay then, State is StateDown.
	Connected bool
	State     State
	Cause     Cause
	// Reason is for people.
	Reason string
	// Since is the time since which the state is as it is.
	Since time.Time
	// Outages counts departures from UP since the relay started.
	Outages uint64
	// Down is, on the way to UP, for how long it was not UP.
	Down time.Duration
	// Publishing: what is published now reaches Redis, on whatever channel.
	Publishing bool
	// Receiving: messages come in, and every subscription is confirmed.
	Receiving bool
	// Gaps counts breaks in receiving since the relay started. The client watches it and tells a Gap.
	Gaps uint64
}

// Loss counts what was lost, at its place among the events.
type Loss struct {
	// Publishes were sent without Reply and certainly not delivered.
	Publishes uint64
	// PublishesUnknown were sent without Reply, and nobody knows whether they were delivered.
	PublishesUnknown uint64
	// Messages were dropped: by the relay, or by the client when Local is true.
	Messages uint64
	Cause    Cause
	// Reason is for people.
	Reason string
	// Local is true for what this client counted, false for what the relay did.
	Local bool
}

// Gap says that messages may have been missed, and that now is the time to read again, from where it is stored, what
// must not be missed. Other workers are told after other random delays, so that not all of them read at once.
type Gap struct {
	// Reasons are for people: "gaps", "new connection", "loss" and the like.
	Reasons []string
	// Partial is true while a part of the channels is still away: there will be another Gap once all are back.
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

// State is the state of the path. Treat values that have no name here as not UP.
type State int32

// The states of the path.
const (
	// StateUp: publishing and receiving.
	StateUp State = 1
	// StateDegraded: one of the two, or part of the channels of a cluster.
	StateDegraded State = 2
	// StateDown: neither.
	StateDown State = 3
	// StateStopping: the relay shuts down. The client moves to the next one by itself.
	StateStopping State = 4
)

// String is the name in the protocol, or the number.
func (s State) String() string {
	return nameOf(int32(s), map[int32]string{1: "UP", 2: "DEGRADED", 3: "DOWN", 4: "STOPPING"})
}

// Cause says why, for programs. Values that have no name here come from newer relays.
type Cause int32

// The causes of a Loss (below 16) or of a Status (16 and up; a Loss for want of a link names one, too).
const (
	CauseSlowReader   Cause = 1  // the app, or the client, did not read fast enough
	CauseTooLarge     Cause = 2  // a message from Redis fits no frame
	CauseBadName      Cause = 3  // a message on a channel whose name is no UTF-8
	CauseNotConnected Cause = 4  // publishes while the relay was not publishing
	CauseRefused      Cause = 5  // publishes that Redis answered with an error
	CauseInvalid      Cause = 6  // publishes that were wrong themselves
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
	CauseProtocol     Cause = 26 // what answers does not speak Redis's protocol
	CauseTopology     Cause = 27 // no master known, or slots of a cluster away
	CauseNoRelay      Cause = 28 // the client has no connection to a relay
)

// String is the name in the protocol, or the number.
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

// statusOf is the application's view of a Status frame. Times beyond what time.Time and time.Duration hold saturate.
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
