package wire

import "encoding/binary"

// The relay's side of the codec: what a relay reads and writes. The in-memory relay of hubrelaytest uses it.

// ClientFrame is a decoded frame of a client. Kind is the field number: 1 Hello, 2 Publish, 3 Subscribe, 4 Unsubscribe,
// 5 Ping; 0 for a frame of no known kind.
type ClientFrame struct {
	Kind       int
	Version    uint32
	ClientName string
	ID         uint64
	Channel    string
	Payload    []byte
	Channels   []string
	Patterns   []string
	Settled    bool
}

// DecodeClient reads the ClientFrame in body.
func DecodeClient(body []byte) (frame ClientFrame, err error) {
	outer := fields{rest: body}
	for outer.next() {
		if outer.wire != 2 || outer.number > 5 {
			continue
		}
		if kind := int(outer.number); kind != frame.Kind {
			frame = ClientFrame{Kind: kind}
		}
		inner := fields{rest: outer.content}
		for inner.next() {
			frame.field(&inner)
		}
		if inner.bad {
			return frame, ErrMalformed
		}
	}
	if outer.bad || frame.Kind == 0 {
		return frame, ErrMalformed
	}
	return frame, nil
}

func (frame *ClientFrame) field(f *fields) {
	switch frame.Kind*10 + int(f.number) {
	case 11:
		f.number32(&frame.Version)
	case 12:
		f.str(&frame.ClientName)
	case 21:
		f.str(&frame.Channel)
	case 22:
		f.bytes(&frame.Payload)
	case 23, 31, 41, 51:
		f.number64(&frame.ID)
	case 32, 42:
		f.strings(&frame.Channels)
	case 33, 43:
		f.strings(&frame.Patterns)
	case 52:
		f.boolean(&frame.Settled)
	}
}

// AppendRelay adds a frame of a relay, with its length in front.
func AppendRelay(to []byte, frame *Frame) []byte {
	var body []byte
	switch frame.Kind {
	case KindWelcome:
		w := &frame.Welcome
		body = appendNumber(body, 1, uint64(w.Version))
		body = appendText(body, 2, w.RelayVersion)
		body = appendText(body, 3, w.RelayID)
		body = appendNumber(body, 4, uint64(w.MaxFrameBytes))
		body = appendName(body, 5, string(w.Status.append(nil)))
		body = appendNumber(body, 6, uint64(w.MaxPayloadBytes))
		body = appendList(body, 7, w.Features)
	case KindMessage:
		m := &frame.Message
		body = appendText(body, 1, string(m.Channel))
		body = appendText(body, 2, string(m.Payload))
		body = appendText(body, 3, string(m.Pattern))
	case KindReply:
		r := &frame.Reply
		body = appendNumber(body, 1, r.ID)
		body = appendNumber(body, 2, uint64(r.Outcome))
		body = appendNumber(body, 3, r.Receivers)
		body = appendText(body, 4, r.Detail)
		body = appendList(body, 5, r.Channels)
		body = appendList(body, 6, r.Patterns)
	case KindStatus:
		body = frame.Status.append(body)
	case KindLoss:
		l := &frame.Loss
		body = appendNumber(body, 1, l.Publishes)
		body = appendNumber(body, 2, l.Messages)
		body = appendText(body, 3, l.Reason)
		body = appendNumber(body, 4, l.PublishesUnknown)
		body = appendNumber(body, 5, uint64(l.Cause))
	case KindError:
		body = appendNumber(body, 1, uint64(frame.Error.Code))
		body = appendText(body, 2, frame.Error.Detail)
	case KindRevoked:
		body = appendList(body, 1, frame.Revoked.Channels)
		body = appendList(body, 2, frame.Revoked.Patterns)
		body = appendText(body, 3, frame.Revoked.Detail)
	}
	size := 1 + varintSize(uint64(len(body))) + len(body)
	to = binary.BigEndian.AppendUint32(to, uint32(size))
	return appendName(to, byte(frame.Kind), string(body))
}

func (s *Status) append(to []byte) []byte {
	to = appendNumber(to, 1, uint64(s.State))
	to = appendText(to, 2, s.Reason)
	to = appendNumber(to, 3, s.SinceUnixMS)
	to = appendNumber(to, 4, s.Outages)
	to = appendNumber(to, 5, s.DownMS)
	to = appendFlag(to, 6, s.Publishing)
	to = appendFlag(to, 7, s.Receiving)
	to = appendNumber(to, 8, s.Gaps)
	return appendNumber(to, 9, uint64(s.Cause))
}

func appendFlag(to []byte, number byte, value bool) []byte {
	if value {
		return append(to, number<<3, 1)
	}
	return to
}

func appendList(to []byte, number byte, names []string) []byte {
	for _, name := range names {
		to = appendName(to, number, name)
	}
	return to
}
