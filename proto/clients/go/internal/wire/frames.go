// Package wire is the codec of hubrelay's socket protocol, version 1: the frames, their bytes, and how to split a
// stream into frames. It does no I/O.
package wire

// Kind is the field number of a frame's content in RelayFrame.
type Kind int

// The kinds of RelayFrame. Other values come from a newer relay, and are ignored.
const (
	KindNone    Kind = 0 // a well-formed frame of an unknown kind
	KindWelcome Kind = 1
	KindMessage Kind = 2
	KindReply   Kind = 3
	KindStatus  Kind = 4
	KindLoss    Kind = 5
	KindError   Kind = 6
	KindRevoked Kind = 7
)

// The outcomes of a Reply. Clients treat other values as a failure.
const (
	OutcomeOK           = 1
	OutcomePending      = 2
	OutcomeNotConnected = 3
	OutcomeInterrupted  = 4
	OutcomeRefused      = 5
	OutcomeInvalid      = 6
	OutcomeLimit        = 7
)

// The codes of an Error after which a retry soon is useless.
const (
	CodeVersion    = 4
	CodeNotAllowed = 5
)

// Sizes in bytes, and other constants, that the protocol fixes for both sides.
const (
	HeaderBytes      = 4
	MaxHelloBytes    = 4096
	MaxWelcomeBytes  = 64 << 10
	MaxClientName    = 64
	MaxNameBytes     = 512
	MaxID            = 1<<53 - 1
	ProtocolVersion  = 1
	FencePrefix      = "__hubrelay:fence:"
	FeaturePatterns  = "patterns"
	FeatureSettled   = "settled"
	FeatureFence     = "fence"
	publishOverhead  = 32 // tags, lengths and the id around a channel and a payload, at most
	subscribeMinimum = 32 // the same for a Subscribe without names
)

// Welcome is the relay's answer to Hello.
type Welcome struct {
	Version         uint32
	RelayVersion    string
	RelayID         string
	MaxFrameBytes   uint32
	Status          Status
	MaxPayloadBytes uint32
	Features        []string
}

// Has tells whether the relay has a feature.
func (w *Welcome) Has(feature string) bool {
	for _, f := range w.Features {
		if f == feature {
			return true
		}
	}
	return false
}

// Message borrows its bytes from the body that was decoded.
type Message struct {
	Channel []byte
	Payload []byte
	Pattern []byte
}

// Reply is the answer to one request.
type Reply struct {
	ID        uint64
	Outcome   int32
	Receivers uint64
	Detail    string
	Channels  []string
	Patterns  []string
}

// Status is the state of the path between the relay and Redis, as the relay reports it.
type Status struct {
	State       int32
	Reason      string
	SinceUnixMS uint64
	Outages     uint64
	DownMS      uint64
	Publishing  bool
	Receiving   bool
	Gaps        uint64
	Cause       int32
}

// Loss counts what the connection lost.
type Loss struct {
	Publishes        uint64
	Messages         uint64
	Reason           string
	PublishesUnknown uint64
	Cause            int32
}

// Error is the last frame of a connection.
type Error struct {
	Code   int32
	Detail string
}

// Revoked lists subscriptions that the connection no longer has.
type Revoked struct {
	Channels []string
	Patterns []string
	Detail   string
}

// Frame is a decoded RelayFrame: Kind says which of the other fields is valid. A Frame is meant to be used again for
// the next frame.
type Frame struct {
	Kind    Kind
	Welcome Welcome
	Message Message
	Reply   Reply
	Status  Status
	Loss    Loss
	Error   Error
	Revoked Revoked
}
