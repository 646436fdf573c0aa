package hubrelay

import (
	"errors"
	"strings"

	"hubrelay/internal/wire"
)

// The ways in which a request can fail, to be told apart by errors.Is. The errors that the client returns are of type
// *Error and match exactly one of these.
var (
	// ErrNotConnected: there is no connection to a relay, or the relay has no connection to Redis. A publish was
	// certainly not delivered. Nothing is kept for later.
	ErrNotConnected = errors.New("not connected")
	// ErrInterrupted: the connection, or the relay's link to Redis, ended before the answer, or the caller gave up
	// waiting. Whether a publish was delivered is unknown. The client never sends it again.
	ErrInterrupted = errors.New("interrupted")
	// ErrRefused: Redis answered with an error, which is in Error.Detail.
	ErrRefused = errors.New("refused")
	// ErrInvalid: the request itself is wrong, for example a name that is empty, too long or not UTF-8, or a payload
	// that is too large.
	ErrInvalid = errors.New("invalid")
	// ErrCongested: too many publishes, or too many bytes, are under way already. Nothing was sent.
	ErrCongested = errors.New("congested")
	// ErrLimit: the relay grants this connection no more subscriptions.
	ErrLimit = errors.New("limit reached")
	// ErrClosed: the client, or the Subscription, is closed. Nothing was sent.
	ErrClosed = errors.New("closed")
	// ErrUnknown: the relay gave an outcome that this version does not know. Whether a publish was delivered is
	// unknown.
	ErrUnknown = errors.New("unknown outcome")
)

// Error is the error of a request.
type Error struct {
	// Op is what was asked for: "publish", "send", "subscribe", "unsubscribe", "listen", "ready" and so on.
	Op string
	// Kind is one of ErrNotConnected, ErrInterrupted, ErrRefused, ErrInvalid, ErrCongested, ErrLimit, ErrClosed and
	// ErrUnknown.
	Kind error
	// Detail explains the error, for people.
	Detail string
	// Channels and Patterns are the names that Redis refused, as far as the relay could name them.
	Channels, Patterns []string
	// Cause is the context's error if the caller gave up, or the reason why there is no connection, which includes the
	// error of the operating system if there was one. Otherwise it is nil.
	Cause error
	also  error // only from Ready: why there is no connection, beside Cause
}

// Error gives the operation, the kind of the error, and the detail or the cause.
func (e *Error) Error() string {
	var text strings.Builder
	text.WriteString("hubrelay: ")
	text.WriteString(e.Op)
	text.WriteString(": ")
	text.WriteString(e.Kind.Error())
	if e.Detail != "" {
		text.WriteString(": ")
		text.WriteString(e.Detail)
	} else if e.Cause != nil {
		text.WriteString(": ")
		text.WriteString(e.Cause.Error())
	}
	return text.String()
}

// Is makes errors.Is(err, hubrelay.ErrRefused) and the like work. For an error of Ready it also matches why there is no
// connection, as errors.Is(err, fs.ErrPermission) does, beside the context's error.
func (e *Error) Is(target error) bool {
	return target == e.Kind || e.also != nil && errors.Is(e.also, target)
}

// Unwrap returns Cause, so that errors.Is(err, context.Canceled) works.
func (e *Error) Unwrap() error { return e.Cause }

func failure(op string, kind error, detail string) *Error {
	return &Error{Op: op, Kind: kind, Detail: detail}
}

// replyError makes the error for a Reply whose outcome is neither OK nor PENDING.
func replyError(op string, reply *wire.Reply) *Error {
	kind := ErrUnknown
	switch reply.Outcome {
	case wire.OutcomeNotConnected:
		kind = ErrNotConnected
	case wire.OutcomeInterrupted:
		kind = ErrInterrupted
	case wire.OutcomeRefused:
		kind = ErrRefused
	case wire.OutcomeInvalid:
		kind = ErrInvalid
	case wire.OutcomeLimit:
		kind = ErrLimit
	}
	return &Error{Op: op, Kind: kind, Detail: reply.Detail, Channels: reply.Channels, Patterns: reply.Patterns}
}
