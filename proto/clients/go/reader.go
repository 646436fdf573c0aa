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

// readBytes is the size of the buffer that is read into. A larger frame gets a larger buffer until it is complete.
const readBytes = 64 << 10

// read is the goroutine that reads a connection to its end, except while a caller has the turn.
func (k *conn) read() {
	defer k.client.running.Done()
	for k.readOnce() {
		if k.freeTurn() {
			k.standBy()
		}
	}
}

// readOnce reads once, and handles what came. It returns false at the end of the connection. The goroutine that has the
// turn calls it.
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
			k.buffer, k.used = keep(k.buffer, rest) // consume has checked its length
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

// keep moves the rest of a buffer to the start of one that has room for the whole frame.
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

// whyEnded returns why the connection ended: the text of the relay's Error if there was one, else the error of the
// read.
func (k *conn) whyEnded(err error) error {
	switch {
	case k.lastWords != "":
		return errors.New(k.lastWords)
	case errors.Is(err, io.EOF):
		return errRelayClosed
	}
	return err
}

// readAfterDeadline is called when another goroutine has ended the wait for bytes. It was the clock, if nothing was
// read for too long: then bytes in the socket still count. Else a caller that reads has given up.
func (k *conn) readAfterDeadline(into []byte) (int, error) {
	_ = k.socket.SetReadDeadline(time.Time{}) // fails on a closed socket, as the next read does
	k.client.mu.Lock()
	givingUp := k.givingUp && !k.live.pinged.IsZero() // if there is no Ping, bytes have come in the meantime
	k.givingUp = false
	k.client.kickClock() // the clock did not check this connection meanwhile
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

// manyDeliveries is the number of deliveries after which the reader releases the lock. One message to many
// Subscriptions is as much work as many messages to one.
const manyDeliveries = 256

// consume handles the whole frames in data, and returns the bytes after them. It holds the client's lock for all of
// them, or until many deliveries were made. It wakes the callers that got their Reply after it has released the lock,
// so that they find the lock free.
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

// wakeAnswered wakes the callers whose publishes are answered. Called without the lock.
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
		return math.MaxInt32 - wire.HeaderBytes // its size with the header must fit an int, which may have 32 bits
	}
	return int(k.welcome.MaxFrameBytes)
}

// mustPause is true when nobody takes events, nobody listens and nothing is owed. The socket is then left unread, so
// that the relay counts what is lost, and others on the host are not slowed down. When writing has failed, the socket
// is read to find out why.
func (k *conn) mustPause(size int) bool {
	c := k.client
	return len(c.subs) == 0 && k == c.conn && c.next == nil && !k.owes() && !c.closing && !k.broken && !k.hungUp &&
		k.turn == turnReader && c.events.queue.isFull(size+eventBytes)
}

// letOthers releases the lock, so that goroutines that wait for it go on, and takes it again.
func (k *conn) letOthers() {
	k.client.deliveries = 0
	k.client.unlock()
	k.wakeAnswered()
	runtime.Gosched()
	k.client.mu.Lock()
}

// hangUpEvery is how often the client checks whether the relay has closed a connection that is left unread.
const hangUpEvery = time.Second

// pause waits until there is a reason to read on. It releases the lock meanwhile.
func (k *conn) pause() {
	k.paused = true
	k.client.unlock()
	k.wakeAnswered()
	hungUp := k.waitUnread()
	k.client.mu.Lock()
	k.paused = false
	k.hungUp = hungUp
	k.live.restart(time.Now())
	k.client.kickClock() // the clock did not check this connection meanwhile
}

// waitUnread waits until there is a reason to read on. It returns true if the reason is that the relay has closed the
// connection.
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
