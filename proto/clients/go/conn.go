package hubrelay

import (
	"context"
	"errors"
	"net"
	"time"

	"hubrelay/internal/wire"
)

// Why a connection ended, where the operating system does not say it.
var (
	errClosing     = errors.New("the client was closed")
	errHung        = errors.New("the relay does not answer")
	errNoWelcome   = errors.New("the relay accepts, but says no Welcome")
	errProtocol    = errors.New("what answers does not speak hubrelay's protocol")
	errSuccessor   = errors.New("the relay is stopping, and no successor")
	errDrained     = errors.New("left: the relay was stopping")
	errRelayClosed = errors.New("the relay closed the connection")
)

// conn is one connection to a relay: its socket, what it is to write, and what it is owed. All fields but those of the
// reader and the writer are guarded by the client's lock.
type conn struct {
	client  *Client
	socket  net.Conn
	direct  directSocket
	welcome *wire.Welcome // nil before it has come
	began   time.Time     // when it came
	opened  chan struct{} // closed when Welcome has come or the connection has ended

	out      []byte   // frames that are to be written
	spare    []byte   // a buffer for the next ones
	sendEnds []uint64 // where the publishes without Reply end that are not written yet
	queued   uint64   // where out ends in the stream of bytes
	written  uint64   // how much of the stream is written
	writing  bool     // somebody writes, and will write what is added
	yield    bool     // others publish, too: let them add theirs before the write
	broken   bool     // writing has failed; the reader finds out why
	shutting bool     // the writing side is to be shut behind what is queued

	lastID    uint64
	publishes map[uint64]*publication
	requests  map[uint64]*request
	names     map[*entry]*hold
	restoring int       // Subscribes of the restore without Reply
	heldBack  []*Status // what is told once the restore is over
	status    *Status   // the last one
	gaps      uint64    // of the last Status
	receiving bool      // of the last Status
	live      liveness
	settle    settler

	stopping  bool          // the relay shuts down
	stoppedAt time.Time     // since when
	sought    bool          // an attempt to find the next one has been made
	left      bool          // only Replies and Losses of publishes count
	drainDue  time.Time     // until when they are waited for
	paused    bool          // nobody takes events: the socket is left unread
	resume    chan struct{} // ends the pause
	hungUp    bool          // the relay has closed it: it is read to its end, and not left unread any more
	givingUp  bool          // nothing was read for too long: the reader looks a last time
	lastWords string        // of the relay's Error
	hopeless  bool          // its code says that trying again soon is of no use
	ended     error         // why; nil while the connection lasts
	endedAt   time.Time

	turn      turn            // who reads
	caller    context.Context // of the caller whose turn it is
	wanted    chan struct{}   // the connection's goroutine is to look whether it should read
	standing  *time.Timer     // until when it stands by while nobody has the turn
	postponed time.Time       // when that was put off

	// These are of whoever reads.
	alone  int // reads in a row that brought one Reply and nothing else
	buffer []byte
	used   int // bytes in it that are no whole frame yet
	frame  wire.Frame
	done   []*publication // answered, and to be woken
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

// owes tells whether the relay owes a Reply. A connection that is nil owes nothing.
func (k *conn) owes() bool { return k != nil && len(k.publishes)+len(k.requests) > 0 }

// isUnsettled tells whether the relay may not have taken publishes without Reply yet. Once the writing side is shut, the
// end of the connection tells that it has. A socket of which one side cannot be shut tells when they are written.
func (k *conn) isUnsettled() bool {
	if k == nil || k.settle.unknown(0) == 0 {
		return false
	}
	_, half := k.socket.(halfCloser)
	return half || k.unwritten() > 0
}

// owing is called before a request is added.
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

// answeredOne is called after a request was removed.
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

// end ends the connection: the only way in which one ends. What becomes of what it owes is settled once nobody writes
// any more, since only then it is known what was written.
func (k *conn) end(why error) {
	if k.ended != nil {
		return
	}
	k.ended, k.endedAt = why, time.Now()
	_ = k.socket.Close() // nothing is to be done about an error
	wakeUp(k.resume)
	wakeUp(k.wanted)
	if k.welcome == nil {
		close(k.opened)
	}
	if !k.writing {
		k.settleEnd()
	}
}
