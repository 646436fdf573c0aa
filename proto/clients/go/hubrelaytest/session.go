package hubrelaytest

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync"

	"hubrelay/internal/wire"
)

const maxFrameBytes = 1<<20 + 4096

// session is one connection. The relay's lock guards all of it except the output.
type session struct {
	relay    *Relay
	socket   net.Conn
	life     int // the life of the relay that it is connected to
	greeted  bool
	channels map[string]bool
	patterns map[string]bool
	owed     []*wire.Frame // Replies held back by Stall
	ended    bool          // the client has shut its writing side

	output  sync.Mutex
	pending []byte
	closing bool
	more    *sync.Cond
}

// newSession is called with the relay's lock held.
func newSession(r *Relay, socket net.Conn, life int) {
	s := &session{relay: r, socket: socket, life: life, channels: map[string]bool{}, patterns: map[string]bool{}}
	s.more = sync.NewCond(&s.output)
	r.sessions[s] = struct{}{}
	go s.read()
	go s.write()
}

// send queues a frame. There is no bound, since tests are small.
func (s *session) send(frame *wire.Frame) {
	s.output.Lock()
	s.pending = wire.AppendRelay(s.pending, frame)
	s.output.Unlock()
	s.more.Signal()
}

func (s *session) write() {
	for {
		s.output.Lock()
		for len(s.pending) == 0 && !s.closing {
			s.more.Wait()
		}
		chunk := s.pending
		s.pending = nil
		s.output.Unlock()
		if len(chunk) == 0 {
			_ = s.socket.Close()
			return
		}
		if _, err := s.socket.Write(chunk); err != nil {
			_ = s.socket.Close()
			return
		}
	}
}

// end closes the connection at once. Called with the relay's lock.
func (s *session) end() {
	delete(s.relay.sessions, s)
	_ = s.socket.Close()
	s.finish()
}

// endIfDone ends a connection whose client has shut its writing side, once nothing is owed.
func (s *session) endIfDone() {
	if s.ended && len(s.owed) == 0 {
		delete(s.relay.sessions, s)
		s.finish()
	}
}

// finish closes the connection once what is queued is written.
func (s *session) finish() {
	s.output.Lock()
	s.closing = true
	s.output.Unlock()
	s.more.Signal()
}

func (s *session) read() {
	var buffer []byte
	chunk := make([]byte, 64<<10)
	for {
		n, err := s.socket.Read(chunk)
		buffer = append(buffer, chunk[:n]...)
		for {
			var body []byte
			var wrong error
			if body, buffer, wrong = wire.Split(buffer, maxFrameBytes); wrong != nil {
				err = wrong
			}
			if body == nil {
				break
			}
			frame, wrong := wire.DecodeClient(body)
			if wrong != nil {
				err = wrong
				break
			}
			s.handle(&frame)
		}
		if err != nil {
			s.relay.mu.Lock()
			if err == io.EOF {
				s.ended = true
				s.endIfDone()
			} else {
				s.end()
			}
			s.relay.mu.Unlock()
			return
		}
	}
}

func (s *session) handle(frame *wire.ClientFrame) {
	r := s.relay
	r.mu.Lock()
	defer r.mu.Unlock()
	switch frame.Kind {
	case 1:
		s.greeted = true
		s.send(&wire.Frame{Kind: wire.KindWelcome, Welcome: wire.Welcome{Version: 1, RelayVersion: "test",
			RelayID: fmt.Sprint("life-", s.life), MaxFrameBytes: maxFrameBytes, MaxPayloadBytes: maxFrameBytes - 4096,
			Status: r.status, Features: r.features}})
	case 2:
		s.publish(frame)
	case 3:
		s.reply(frame.ID, s.subscribe(frame))
	case 4:
		for _, c := range frame.Channels {
			delete(s.channels, c)
		}
		for _, p := range frame.Patterns {
			delete(s.patterns, p)
		}
		s.reply(frame.ID, wire.Reply{Outcome: wire.OutcomeOK})
	case 5:
		s.replyWhenSettled(frame.ID, wire.Reply{Outcome: wire.OutcomeOK}, frame.Settled)
	}
}

// replyWhenSettled holds the Reply back while Redis is stalled, if waits is true: it is the Reply to a publish, or to a
// Ping that waits for publishes.
func (s *session) replyWhenSettled(id uint64, reply wire.Reply, waits bool) {
	if waits && s.relay.stalled && id != 0 {
		reply.ID = id
		s.owed = append(s.owed, &wire.Frame{Kind: wire.KindReply, Reply: reply})
		return
	}
	s.reply(id, reply)
}

func (s *session) publish(frame *wire.ClientFrame) {
	r := s.relay
	if !r.status.Publishing {
		s.reply(frame.ID, wire.Reply{Outcome: wire.OutcomeNotConnected})
		if frame.ID == 0 {
			s.send(&wire.Frame{Kind: wire.KindLoss, Loss: wire.Loss{Publishes: 1, Cause: 4}})
		}
		return
	}
	reply := wire.Reply{Outcome: wire.OutcomeOK, Receivers: r.fanOut(frame.Channel, frame.Payload)}
	if !strings.HasPrefix(frame.Channel, wire.FencePrefix) {
		r.published = append(r.published, Message{frame.Channel, append([]byte(nil), frame.Payload...)})
		close(r.changed)
		r.changed = make(chan struct{})
	}
	s.replyWhenSettled(frame.ID, reply, true)
}

func (s *session) subscribe(frame *wire.ClientFrame) wire.Reply {
	refused := wire.Reply{Outcome: wire.OutcomeRefused, Detail: "NOPERM"}
	for _, c := range frame.Channels {
		if s.relay.refused[c] {
			refused.Channels = append(refused.Channels, c)
		}
	}
	for _, p := range frame.Patterns {
		if s.relay.refused[p] {
			refused.Patterns = append(refused.Patterns, p)
		}
	}
	if len(refused.Channels)+len(refused.Patterns) > 0 {
		return refused
	}
	for _, c := range frame.Channels {
		s.channels[c] = true
	}
	for _, p := range frame.Patterns {
		s.patterns[p] = true
	}
	if !s.relay.status.Receiving {
		return wire.Reply{Outcome: wire.OutcomePending}
	}
	return wire.Reply{Outcome: wire.OutcomeOK}
}

func (s *session) reply(id uint64, reply wire.Reply) {
	if id != 0 {
		reply.ID = id
		s.send(&wire.Frame{Kind: wire.KindReply, Reply: reply})
	}
}

// matches implements Redis's glob patterns: *, ?, [abc], [^a], [a-z], and \ before a character that stands for itself.
func matches(pattern, text string) bool {
	for pattern != "" {
		switch pattern[0] {
		case '*':
			for i := 0; i <= len(text); i++ {
				if matches(pattern[1:], text[i:]) {
					return true
				}
			}
			return false
		case '?':
			if text == "" {
				return false
			}
			pattern, text = pattern[1:], text[1:]
		case '[':
			end := strings.IndexByte(pattern, ']')
			if end < 0 || text == "" || !inClass(pattern[1:end], text[0]) {
				return false
			}
			pattern, text = pattern[end+1:], text[1:]
		default:
			if pattern[0] == '\\' && len(pattern) > 1 {
				pattern = pattern[1:]
			}
			if text == "" || text[0] != pattern[0] {
				return false
			}
			pattern, text = pattern[1:], text[1:]
		}
	}
	return text == ""
}

func inClass(class string, b byte) bool {
	negated := strings.HasPrefix(class, "^")
	class = strings.TrimPrefix(class, "^")
	for i := 0; i < len(class); i++ {
		if i+2 < len(class) && class[i+1] == '-' {
			if class[i] <= b && b <= class[i+2] {
				return !negated
			}
			i += 2
		} else if class[i] == b {
			return !negated
		}
	}
	return negated
}
