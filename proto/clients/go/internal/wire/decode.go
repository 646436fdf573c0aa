package wire

import "errors"

// ErrMalformed is the error for a body that is not a valid frame.
var ErrMalformed = errors.New("malformed frame")

// Decode reads the RelayFrame in body. Message keeps references into body. A frame of an unknown kind is KindNone and
// not an error. If a frame has several kinds, the last one counts. A kind that comes twice in a row is merged, as in
// protobuf.
func (frame *Frame) Decode(body []byte) error {
	frame.Kind = KindNone
	f := fields{rest: body}
	for f.next() {
		if f.wire != 2 || f.number > uint64(KindRevoked) {
			continue
		}
		if kind := Kind(f.number); kind != frame.Kind {
			frame.Kind = kind
			frame.reset()
		}
		if !frame.decodeKind(f.content) {
			return ErrMalformed
		}
	}
	if f.bad {
		return ErrMalformed
	}
	return nil
}

// reset forgets the content of the previous frame of this kind.
func (frame *Frame) reset() {
	switch frame.Kind {
	case KindMessage:
		frame.Message = Message{}
	case KindReply:
		frame.Reply = Reply{}
	case KindWelcome:
		frame.Welcome = Welcome{}
	case KindStatus:
		frame.Status = Status{}
	case KindLoss:
		frame.Loss = Loss{}
	case KindError:
		frame.Error = Error{}
	case KindRevoked:
		frame.Revoked = Revoked{}
	}
}

func (frame *Frame) decodeKind(content []byte) bool {
	switch frame.Kind {
	case KindMessage:
		return frame.Message.decode(content)
	case KindReply:
		return frame.Reply.decode(content)
	case KindWelcome:
		return frame.Welcome.decode(content)
	case KindStatus:
		return frame.Status.decode(content)
	case KindLoss:
		return frame.Loss.decode(content)
	case KindError:
		return frame.Error.decode(content)
	default:
		return frame.Revoked.decode(content)
	}
}

func (m *Message) decode(content []byte) bool {
	f := fields{rest: content}
	for f.next() {
		switch f.number {
		case 1:
			f.text(&m.Channel)
		case 2:
			f.bytes(&m.Payload)
		case 3:
			f.text(&m.Pattern)
		}
	}
	return !f.bad
}

func (r *Reply) decode(content []byte) bool {
	f := fields{rest: content}
	for f.next() {
		switch f.number {
		case 1:
			f.number64(&r.ID)
		case 2:
			f.enum(&r.Outcome)
		case 3:
			f.number64(&r.Receivers)
		case 4:
			f.str(&r.Detail)
		case 5:
			f.strings(&r.Channels)
		case 6:
			f.strings(&r.Patterns)
		}
	}
	return !f.bad
}

func (w *Welcome) decode(content []byte) bool {
	f := fields{rest: content}
	for f.next() {
		switch f.number {
		case 1:
			f.number32(&w.Version)
		case 2:
			f.str(&w.RelayVersion)
		case 3:
			f.str(&w.RelayID)
		case 4:
			f.number32(&w.MaxFrameBytes)
		case 5:
			f.bad = f.bad || f.wire == 2 && !w.Status.decode(f.content)
		case 6:
			f.number32(&w.MaxPayloadBytes)
		case 7:
			f.strings(&w.Features)
		}
	}
	return !f.bad
}

func (s *Status) decode(content []byte) bool {
	f := fields{rest: content}
	for f.next() {
		switch f.number {
		case 1:
			f.enum(&s.State)
		case 2:
			f.str(&s.Reason)
		case 3:
			f.number64(&s.SinceUnixMS)
		case 4:
			f.number64(&s.Outages)
		case 5:
			f.number64(&s.DownMS)
		case 6:
			f.boolean(&s.Publishing)
		case 7:
			f.boolean(&s.Receiving)
		case 8:
			f.number64(&s.Gaps)
		case 9:
			f.enum(&s.Cause)
		}
	}
	return !f.bad
}

func (l *Loss) decode(content []byte) bool {
	f := fields{rest: content}
	for f.next() {
		switch f.number {
		case 1:
			f.number64(&l.Publishes)
		case 2:
			f.number64(&l.Messages)
		case 3:
			f.str(&l.Reason)
		case 4:
			f.number64(&l.PublishesUnknown)
		case 5:
			f.enum(&l.Cause)
		}
	}
	return !f.bad
}

func (e *Error) decode(content []byte) bool {
	f := fields{rest: content}
	for f.next() {
		switch f.number {
		case 1:
			f.enum(&e.Code)
		case 2:
			f.str(&e.Detail)
		}
	}
	return !f.bad
}

func (r *Revoked) decode(content []byte) bool {
	f := fields{rest: content}
	for f.next() {
		switch f.number {
		case 1:
			f.strings(&r.Channels)
		case 2:
			f.strings(&r.Patterns)
		case 3:
			f.str(&r.Detail)
		}
	}
	return !f.bad
}
