package hubrelay

import (
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"runtime"
	"time"

	"hubrelay/internal/wire"
)

// readBytes is the size of the buffer that is read into. A larger frame has a larger one for as long as it takes.
const readBytes = 64 << 10

// read is the goroutine that reads a connection, to its end, but for the turns of callers.
func (k *conn) read() {
	defer k.client.running.Done()
	for k.readOnce() {
		if k.freeTurn() {
			k.standBy()
		}
	}
}

// readOnce reads once, and handles what came. It returns false at the end of the connection. Whoever has the turn calls
// it.
func (k *conn) readOnce() bool {
	n, err := k.readSocket(k.buffer[k.used:])
	if err != nil && errors.Is(err, os.ErrDeadlineExceeded) {
		n, err = k.readAfterDeadline(k.buffer[k.used:])
	}
	k.used += n
	if n > 0 {
		rest, wrong := k.consume(k.buffer[:k.used])
		if wrong != nil {
			err = wrong
		} else {
			k.buffer, k.used = keep(k.buffer, rest) // its length is one that is allowed
		}
	}
	if err != nil {
		k.client.mu.Lock()
		k.end(k.whyEnded(err))
		k.client.unlock()
		k.wakeAnswered()
	}
	return err == nil
}

func (k *conn) readSocket(into []byte) (int, error) {
	if k.direct.raw == nil {
		return k.socket.Read(into)
	}
	return k.direct.read(into)
}

// keep moves what is left of a buffer to the beginning of one that has room for the rest of the frame.
func keep(buffer, rest []byte) ([]byte, int) {
	need := readBytes
	if len(rest) >= wire.HeaderBytes {
		if whole := wire.HeaderBytes + int(binary.BigEndian.Uint32(rest)); whole > need {
			need = whole
		}
	}
	if len(buffer) != need {
		larger := make([]byte, need)
		return larger, copy(larger, rest)
	}
	return buffer, copy(buffer, rest)
}

// whyEnded says it in the relay's words, if it had some.
func (k *conn) whyEnded(err error) error {
	switch {
	case k.lastWords != "":
		return errors.New(k.lastWords)
	case errors.Is(err, io.EOF):
		return errRelayClosed
	}
	return err
}

// readAfterDeadline is called when somebody has ended the wait for bytes: the clock, which has found nothing read for too
// long, so that what lies in the socket counts, or else who wants the turn.
func (k *conn) readAfterDeadline(into []byte) (int, error) {
	_ = k.socket.SetReadDeadline(time.Time{}) // fails on a closed socket, as the next read does
	k.client.mu.Lock()
	givingUp := k.givingUp && !k.live.pinged.IsZero() // else bytes have come in the meantime
	k.givingUp = false
	k.client.kickClock() // it did not look at this connection meanwhile
	k.client.mu.Unlock()
	if !givingUp {
		return 0, nil
	}
	n, err := k.direct.readNow(into)
	if n == 0 && err == nil {
		err = errHung
	}
	return n, err
}

// manyDeliveries is after how many the lock is given away: one message to many Subscriptions is as much work as many
// messages to one.
const manyDeliveries = 256

// consume handles the whole frames in data, and returns what is behind them. It holds the client's lock for all of them,
// or until many deliveries were made, and wakes those who got their Reply after it, so that they find the lock free.
func (k *conn) consume(data []byte) (rest []byte, err error) {
	c := k.client
	c.mu.Lock()
	now := time.Now()
	k.live.read(now)
	for k.ended == nil {
		var body []byte
		if body, rest, err = wire.Split(data, k.maxFrame()); body == nil {
			break
		}
		if k.mustPause(len(body)) {
			k.pause()
			now = time.Now()
			continue
		}
		if c.deliveries >= manyDeliveries {
			k.letOthers()
			now = time.Now()
			continue
		}
		data = rest
		if err = k.frame.Decode(body); err != nil {
			break
		}
		if err = k.handle(now); err != nil {
			break
		}
	}
	k.countAlone()
	c.unlock()
	k.wakeAnswered()
	if err == wire.ErrLength || err == wire.ErrMalformed {
		err = errProtocol
	}
	return rest, err
}

// wakeAnswered is called without the lock.
func (k *conn) wakeAnswered() {
	for i, p := range k.done {
		k.done[i] = nil
		p.done <- struct{}{}
	}
	k.done = k.done[:0]
}

func (k *conn) maxFrame() int {
	if k.welcome == nil {
		return wire.MaxWelcomeBytes
	}
	if k.welcome.MaxFrameBytes > math.MaxInt32-wire.HeaderBytes {
		return math.MaxInt32 - wire.HeaderBytes // with its header it has to be an int, which may have 32 bits
	}
	return int(k.welcome.MaxFrameBytes)
}

// mustPause: nobody takes events, nobody listens and nothing is owed. Then the socket is left unread, so that the relay
// counts what is lost, and others on the host are not slowed down for it. When writing has failed it is read to find out
// why.
func (k *conn) mustPause(size int) bool {
	c := k.client
	return len(c.subs) == 0 && k == c.conn && c.next == nil && !k.owes() && !c.closing && !k.broken && !k.hungUp &&
		k.turn == turnReader && c.events.queue.isFull(size+eventBytes)
}

// letOthers gives the lock to whoever waits for it, and takes it again.
func (k *conn) letOthers() {
	k.client.deliveries = 0
	k.client.unlock()
	k.wakeAnswered()
	runtime.Gosched()
	k.client.mu.Lock()
}

// hangUpEvery is how often it is looked whether the relay has closed a connection that is left unread.
const hangUpEvery = time.Second

// pause waits until there is a reason to read on. It gives the lock away meanwhile.
func (k *conn) pause() {
	k.paused = true
	k.client.unlock()
	k.wakeAnswered()
	hungUp := k.waitUnread()
	k.client.mu.Lock()
	k.paused = false
	k.hungUp = hungUp
	k.live.restart(time.Now())
	k.client.kickClock() // it did not look at this connection meanwhile
}

// waitUnread waits until there is a reason to read on. It returns true when that is the end of the connection.
func (k *conn) waitUnread() (hungUp bool) {
	look := time.NewTicker(hangUpEvery)
	defer look.Stop()
	for {
		select {
		case <-k.resume:
			return false
		case <-look.C:
			if k.direct.hungUp() {
				return true
			}
		}
	}
}

// resumeReading is called when there is room for events again.
func (c *Client) resumeReading() {
	c.mu.Lock()
	if c.conn != nil && c.conn.paused {
		wakeUp(c.conn.resume)
	}
	c.unlock()
}
