package hubrelay

import (
	"context"
	"errors"
	"net"
	"time"

	"hubrelay/internal/wire"
)

// Why a connection ended, if the operating system gave no reason.
var (
	errClosing     = errors.New("the client was closed")
	errHung        = errors.New("the relay does not answer")
	errNoWelcome   = errors.New("the relay accepts, but says no Welcome")
	errProtocol    = errors.New("what answers does not speak hubrelay's protocol")
	errSuccessor   = errors.New("the relay is stopping, and no successor")
	errDrained     = errors.New("left: the relay was stopping")
	errRelayClosed = errors.New("the relay closed the connection")
)

// conn is one connection to a relay: its socket, the frames to write, and the requests that the relay owes a Reply to.
// The client's lock guards all fields except those of the reader and the writer.
type conn struct {
	client  *Client
	socket  net.Conn
	direct  directSocket
	welcome *wire.Welcome // nil until Welcome has come
	began   time.Time     // when Welcome came
	opened  chan struct{} // closed when Welcome has come or the connection has ended

	out      []byte   // frames that are to be written
	spare    []byte   // a buffer for the next ones
	sendEnds []uint64 // the positions where the unwritten publishes without Reply end
	queued   uint64   // the position of out's end in the stream of bytes
	written  uint64   // how many bytes of the stream are written
	writing  bool     // a goroutine writes, and will also write what is added
	yield    bool     // other goroutines publish, too: let them add theirs before the write
	broken   bool     // writing has failed; the reader finds out why
	shutting bool     // the writing side is to be shut after what is queued

	lastID    uint64
	publishes map[uint64]*publication
	requests  map[uint64]*request
	names     map[*entry]*hold
	restoring int       // Subscribes of the restore that have no Reply yet
	heldBack  []*Status // to be reported once the restore has ended
	status    *Status   // the last one
	gaps      uint64    // of the last Status
	receiving bool      // of the last Status
	live      liveness
	settle    settler

	stopping  bool          // the relay shuts down
	stoppedAt time.Time     // when the wait for the next relay began
	sought    bool          // an attempt to connect to the next relay has been made
	left      bool          // only Replies and Losses of publishes count
	drainDue  time.Time     // when the wait for them ends
	paused    bool          // the application takes no events, so the socket is left unread
	resume    chan struct{} // ends the pause
	hungUp    bool          // the relay has closed the connection: it is read to its end, and not paused again
	givingUp  bool          // nothing was read for too long: the reader checks the socket a last time
	lastWords string        // the text of the relay's Error
	hopeless  bool          // the Error's code says that a retry soon is useless
	ended     error         // why it ended; nil while the connection lasts
	endedAt   time.Time

	turn      turn            // who reads
	caller    context.Context // the context of the caller that has the turn
	wanted    chan struct{}   // tells the connection's goroutine to check whether it should read
	standing  *time.Timer     // ends the time it stands by while nobody has the turn
	postponed time.Time       // when standing was last put off

	// Only the goroutine that reads uses these.
	alone  int // consecutive reads that brought one Reply and nothing else
	buffer []byte
	used   int // bytes in it that are not a whole frame yet
	frame  wire.Frame
	done   []*publication // answered publishes whose callers are to be woken
}

func newConn(c *Client, socket net.Conn) *conn {
	t := &c.options.times
	k := &conn{
		client: c, socket: socket, opened: make(chan struct{}), resume: make(chan struct{}, 1),
		wanted: make(chan struct{}, 1), buffer: make([]byte, readBytes),
		publishes: map[uint64]*publication{}, requests: map[uint64]*request{}, names: map[*entry]*hold{},
		live:   liveness{owedAfter: t.PingOwed, idleAfter: t.PingIdle, timeout: t.PingTimeout, lastRead: time.Now()},
		settle: settler{every: t.Settle},
	}
	k.direct.init(socket)
	return k
}

// owes returns whether the relay owes a Reply. A nil connection owes nothing.
func (k *conn) owes() bool { return k != nil && len(k.publishes)+len(k.requests) > 0 }

// isUnsettled returns whether there may be publishes without Reply that the relay has not taken yet. Once the writing
// side is shut, the end of the connection shows that the relay has taken them. If the socket cannot shut one side, they
// count as taken once they are written.
func (k *conn) isUnsettled() bool {
	if k == nil || k.settle.unknown(0) == 0 {
		return false
	}
	_, half := k.socket.(halfCloser)
	return half || k.unwritten() > 0
}

// owing is called before each request is added.
func (k *conn) owing() {
	if !k.owes() {
		now := time.Now()
		k.live.owed(now)
		k.client.clockBy(now.Add(k.live.owedAfter))
	}
	if k.paused {
		wakeUp(k.resume)
	}
	if k.turn == turnFree {
		wakeUp(k.wanted)
	}
}

// answeredOne is called after each request was removed.
func (k *conn) answeredOne() {
	if !k.owes() {
		k.live.settled()
		if k.client.closing {
			k.client.announce()
		}
	}
}

func (k *conn) nextID() uint64 {
	if k.lastID++; k.lastID > wire.MaxID {
		k.lastID = 1
	}
	return k.lastID
}

// end ends the connection, and is the only way in which a connection ends. The unanswered requests are settled once
// nobody writes any more, since only then it is known what was written.
func (k *conn) end(why error) {
	if k.ended != nil {
		return
	}
	k.ended, k.endedAt = why, time.Now()
	_ = k.socket.Close() // there is nothing to do about an error
	wakeUp(k.resume)
	wakeUp(k.wanted)
	if k.welcome == nil {
		close(k.opened)
	}
	if !k.writing {
		k.settleEnd()
	}
}
