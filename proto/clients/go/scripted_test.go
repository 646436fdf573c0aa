package hubrelay

import (
	"context"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"hubrelay/internal/wire"
)

// patience is how long a test waits for what must come: long, so that a busy machine fails no test.
const patience = 60 * time.Second

// scripted is a relay that does what a test says, frame by frame. Without a script it answers everything by OK.
type scripted struct {
	features []string
	// script gets each frame but Hello, and returns true when it has dealt with it.
	script func(socket net.Conn, frame *wire.ClientFrame) bool
	// wrap may change the client's end of a connection.
	wrap func(net.Conn) net.Conn
	// keep leaves a connection open when the client has shut its writing side.
	keep bool
	// renamed: each connection is to another relay.
	renamed bool

	mu     sync.Mutex
	dials  int
	frames []*wire.ClientFrame
	last   net.Conn // the relay's end of the newest connection
}

var allFeatures = []string{wire.FeaturePatterns, wire.FeatureSettled}

func statusUp() wire.Status { return wire.Status{State: 1, Publishing: true, Receiving: true} }

func socketPair() (net.Conn, net.Conn) {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		panic(err)
	}
	var ends [2]net.Conn
	for i, descriptor := range pair {
		file := os.NewFile(uintptr(descriptor), "scripted")
		if ends[i], err = net.FileConn(file); err != nil {
			panic(err)
		}
		file.Close() // FileConn has a copy
	}
	return ends[0], ends[1]
}

func (s *scripted) dial(context.Context) (net.Conn, error) {
	ours, theirs := socketPair()
	s.mu.Lock()
	s.last = theirs
	s.dials++
	id := "scripted"
	if s.renamed {
		id = fmt.Sprint(id, s.dials)
	}
	s.mu.Unlock()
	go s.serve(theirs, id)
	if s.wrap != nil {
		return s.wrap(ours), nil
	}
	return ours, nil
}

// newest is the relay's end of the newest connection.
func (s *scripted) newest() net.Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// got is a copy of the frames that have come, but Hello.
func (s *scripted) got() []*wire.ClientFrame {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*wire.ClientFrame(nil), s.frames...)
}

func say(socket net.Conn, frame wire.Frame) { _, _ = socket.Write(wire.AppendRelay(nil, &frame)) }

func sayStatus(socket net.Conn, status wire.Status) {
	say(socket, wire.Frame{Kind: wire.KindStatus, Status: status})
}

func sayMessage(socket net.Conn, channel string, payload []byte) {
	say(socket, wire.Frame{Kind: wire.KindMessage, Message: wire.Message{Channel: []byte(channel), Payload: payload}})
}

func reply(socket net.Conn, id uint64, outcome int32, channels ...string) {
	say(socket, wire.Frame{Kind: wire.KindReply, Reply: wire.Reply{ID: id, Outcome: outcome, Channels: channels}})
}

func (s *scripted) serve(socket net.Conn, relayID string) {
	var buffer []byte
	chunk := make([]byte, 64<<10)
	for {
		n, err := socket.Read(chunk)
		if err != nil {
			if !s.keep {
				socket.Close()
			}
			return
		}
		buffer = append(buffer, chunk[:n]...)
		for {
			body, rest, err := wire.Split(buffer, 1<<26)
			if err != nil || body == nil {
				break
			}
			frame, _ := wire.DecodeClient(append([]byte(nil), body...))
			buffer = rest
			s.answer(socket, relayID, &frame)
		}
	}
}

func (s *scripted) answer(socket net.Conn, relayID string, frame *wire.ClientFrame) {
	if frame.Kind == 1 {
		say(socket, wire.Frame{Kind: wire.KindWelcome, Welcome: wire.Welcome{Version: 1, RelayID: relayID,
			MaxFrameBytes: 1 << 20, MaxPayloadBytes: 1000000, Status: statusUp(), Features: s.features}})
		return
	}
	s.mu.Lock()
	s.frames = append(s.frames, frame)
	s.mu.Unlock()
	if (s.script == nil || !s.script(socket, frame)) && frame.ID != 0 {
		reply(socket, frame.ID, wire.OutcomeOK)
	}
}

// client is connected, and closed at the end of the test, without patience.
func (s *scripted) client(t *testing.T, options ...Option) *Client {
	t.Helper()
	c := s.unconnected(t, options...)
	if err := c.Ready(soon(t)); err != nil {
		t.Fatal(err)
	}
	return c
}

func (s *scripted) unconnected(t *testing.T, options ...Option) *Client {
	t.Helper()
	c, err := New("scripted", "worker", append([]Option{WithDialer(s.dial)}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		_ = c.Close(ended) // its error is the context's
	})
	return c
}

// soon is a context with patience.
func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// eventually waits for a state that no event tells of. The condition is called with the client's lock.
func (c *Client) eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for ctx := soon(t); ; time.Sleep(time.Millisecond) {
		c.mu.Lock()
		met := condition()
		c.mu.Unlock()
		if met {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("waiting in vain: %s", what)
		}
	}
}

// nextOf waits for the next event of a type, and skips others.
func nextOf[E Event](t *testing.T, from interface {
	Next(ctx context.Context) (Event, error)
}) E {
	t.Helper()
	ctx := soon(t)
	for {
		event, err := from.Next(ctx)
		if err != nil {
			t.Fatalf("waiting for %T: %v", *new(E), err)
		}
		if e, ok := event.(E); ok {
			return e
		}
	}
}
