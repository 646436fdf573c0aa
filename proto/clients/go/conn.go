package hubrelay

import (
	"errors"
	"net"
	"runtime"
	"syscall"
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

// rewriteBytes is how much is written at once while the socket is full: after each, those who wait for room go on.
const rewriteBytes = 256 << 10

// conn is one connection to a relay: its socket, what it is to write, and what it is owed. All fields but those of the
// reader and the writer are guarded by the client's lock.
type conn struct {
	client  *Client
	socket  net.Conn
	raw     syscall.RawConn // nil: the socket cannot be asked to write without waiting
	welcome *wire.Welcome   // nil before it has come
	began   time.Time       // when it came
	opened  chan struct{}   // closed when Welcome has come or the connection has ended

	out      []byte   // frames that are to be written
	spare    []byte   // a buffer for the next ones
	sendEnds []uint64 // where the publishes without Reply end that are not written yet
	queued   uint64   // where out ends in the stream of bytes
	written  uint64   // how much of the stream is written
	writing  bool     // somebody writes, and will write what is added
	yield    bool     // others publish, too: let them add theirs before the write
	broken   bool     // writing has failed; the reader finds out why
	shutting bool     // the writing side is to be shut behind what is queued
	writer   directWriter

	lastID    uint64
	publishes map[uint64]*publication
	requests  map[uint64]*request
	names     map[*entry]*hold
	restoring int       // Subscribes of the restore without Reply
	heldBack  []*Status // what is told once the restore is over
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
	givingUp  bool          // nothing was read for too long: the reader looks a last time
	lastWords string        // of the relay's Error
	hopeless  bool          // its code says that trying again soon is of no use
	ended     error         // why; nil while the connection lasts
	endedAt   time.Time

	frame wire.Frame     // the reader's
	done  []*publication // the reader's: answered, and to be woken
}

func newConn(c *Client, socket net.Conn) *conn {
	t := &c.options.times
	k := &conn{
		client: c, socket: socket, opened: make(chan struct{}), resume: make(chan struct{}, 1),
		publishes: map[uint64]*publication{}, requests: map[uint64]*request{}, names: map[*entry]*hold{},
		live:   liveness{owedAfter: t.PingOwed, idleAfter: t.PingIdle, timeout: t.PingTimeout, lastRead: time.Now()},
		settle: settler{every: t.Settle},
	}
	if s, ok := socket.(syscall.Conn); ok {
		if raw, err := s.SyscallConn(); err == nil {
			k.raw = raw
		}
	}
	k.writer.init()
	return k
}

// owes tells whether the relay owes a Reply. A connection that is nil owes nothing.
func (k *conn) owes() bool { return k != nil && len(k.publishes)+len(k.requests) > 0 }

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

// added is called after frames were added to out, which had the length before: they are to be written.
func (k *conn) added(before int) {
	k.queued += uint64(len(k.out) - before)
	if k.writing {
		return
	}
	k.writing = true
	k.yield = len(k.publishes) > 1
	if k.client.dirty == nil {
		k.client.dirty = k
	} else {
		go k.write()
	}
}

// write writes what is queued, by the goroutine that added it. When the socket is full another one goes on, so nobody
// who publishes is ever held up by the relay. Called without the lock.
func (k *conn) write() {
	if k.yield {
		// Publishers that were woken together come here one by one. Let the others add theirs: one write for all.
		runtime.Gosched()
	}
	k.client.mu.Lock()
	for k.hasOutput() {
		chunk := k.takeOutput()
		k.client.mu.Unlock()
		n, err := k.writer.write(k.raw, chunk)
		k.client.mu.Lock()
		k.wrote(n, err)
		if err == nil && n < len(chunk) {
			k.client.running.Add(1)
			go k.writeWaiting(chunk, n)
			k.client.unlock()
			return
		}
		k.giveBack(chunk)
	}
	k.stopWriting()
	k.client.unlock()
}

// writeWaiting writes while the socket is full, and until all is written.
func (k *conn) writeWaiting(chunk []byte, from int) {
	defer k.client.running.Done()
	for {
		for rest := chunk[from:]; len(rest) > 0; {
			part := rest
			if len(part) > rewriteBytes {
				part = part[:rewriteBytes]
			}
			n, err := k.socket.Write(part)
			k.client.mu.Lock()
			k.wrote(n, err)
			k.client.unlock()
			if rest = rest[n:]; err != nil {
				break
			}
		}
		k.client.mu.Lock()
		k.giveBack(chunk)
		if !k.hasOutput() {
			k.stopWriting()
			k.client.unlock()
			return
		}
		chunk, from = k.takeOutput(), 0
		k.client.mu.Unlock()
	}
}

func (k *conn) hasOutput() bool { return len(k.out) > 0 && !k.broken && k.ended == nil }

func (k *conn) takeOutput() []byte {
	chunk := k.out
	k.out, k.spare = k.spare[:0], nil
	return chunk
}

// giveBack keeps a buffer for later, unless it was a large one for once.
func (k *conn) giveBack(chunk []byte) {
	if cap(chunk) <= rewriteBytes {
		k.spare = chunk[:0]
	}
}

// wrote counts what was written, and lets those go on who wait for room.
func (k *conn) wrote(n int, err error) {
	k.written += uint64(n)
	for len(k.sendEnds) > 0 && k.sendEnds[0] <= k.written {
		k.sendEnds = k.sendEnds[1:]
	}
	if err != nil {
		k.broken = true
	}
	k.client.admitWaiters()
}

// stopWriting ends the turn of whoever wrote.
func (k *conn) stopWriting() {
	k.writing = false
	if k.ended != nil {
		k.settleEnd()
	} else if k.shutting && len(k.out) == 0 {
		k.shutWriting()
	}
}

// shutAfterOutput shuts the writing side behind what is queued.
func (k *conn) shutAfterOutput() {
	k.shutting = true
	if !k.writing {
		k.shutWriting()
	}
}

func (k *conn) shutWriting() {
	if half, ok := k.socket.(interface{ CloseWrite() error }); ok && k.ended == nil {
		_ = half.CloseWrite() // fails when the relay has closed: the reader finds that out
	}
}

// unwritten is how many bytes the relay has not taken yet.
func (k *conn) unwritten() int { return int(k.queued - k.written) }

// end ends the connection: the only way in which one ends. What becomes of what it owes is settled once nobody writes
// any more, since only then it is known what was written.
func (k *conn) end(why error) {
	if k.ended != nil {
		return
	}
	k.ended, k.endedAt = why, time.Now()
	_ = k.socket.Close() // nothing is to be done about an error
	wakeUp(k.resume)
	if k.welcome == nil {
		close(k.opened)
	}
	if !k.writing {
		k.settleEnd()
	}
}
