package hubrelay

import (
	"context"
	"time"
)

// turn says who reads a connection. Mostly it is the connection's own goroutine. But while one publish after the other is
// made and nobody listens, who waits for a Reply reads it itself: that saves waking another goroutine, on another thread,
// for each of them. Somebody always reads soon: when nobody has had the turn for a moment, or something else is
// wanted, the goroutine takes it back.
type turn int

const (
	turnReader turn = iota // the connection's goroutine reads
	turnFree               // nobody does; the goroutine stands by, and the next caller may
	turnCaller             // a caller does, until its Reply has come
)

// aloneReads is how many reads in a row have to bring one Reply and nothing else before callers read.
const aloneReads = 8

// standByTime is how long the turn may be free, and how late a caller that reads may see that its context has ended.
// Nobody listens then: what waits as long is a Status or a Loss.
const standByTime = 10 * time.Millisecond

// isAlone: nothing can come that somebody waits for, but the Reply of the next publish.
func (k *conn) isAlone() bool {
	c := k.client
	return k == c.conn && c.next == nil && c.old == nil && k.ended == nil && !k.stopping && k.direct.raw != nil &&
		!c.closing && !k.owes() && !c.anythingWanted()
}

// countAlone is called behind what one read has brought, with the lock.
func (k *conn) countAlone() {
	if len(k.done) == 1 && k.isAlone() {
		k.alone++
	} else {
		k.alone = 0
	}
}

// freeTurn gives the goroutine's turn away, if the last reads were for callers alone, and the next publish has not been
// made yet.
func (k *conn) freeTurn() bool {
	if k.alone < aloneReads {
		return false
	}
	k.client.mu.Lock()
	defer k.client.mu.Unlock()
	if !k.isAlone() {
		return false
	}
	k.turn = turnFree
	if k.standing == nil {
		k.standing = time.NewTimer(standByTime)
	} else {
		k.standing.Reset(standByTime)
	}
	return true
}

// standBy waits until the connection's goroutine is to read again.
func (k *conn) standBy() {
	defer k.standing.Stop()
	for {
		timeIsUp := false
		select {
		case <-k.standing.C:
			timeIsUp = true
		case <-k.wanted:
		}
		k.client.mu.Lock()
		if k.turn == turnFree && (timeIsUp || !k.isAlone()) {
			k.turn, k.alone = turnReader, 0
			k.client.mu.Unlock()
			return
		}
		if k.turn == turnCaller && k.caller.Err() != nil {
			_ = k.socket.SetReadDeadline(time.Now()) // it has given up, and waits in a read
		}
		if timeIsUp {
			k.standing.Reset(standByTime)
			k.postponed = time.Now()
		}
		k.client.mu.Unlock()
	}
}

// postpone has the connection's goroutine stand by for longer, since the turn was used. A timer that does not expire
// wakes nobody, and it is not touched for each turn.
func (k *conn) postpone() {
	if k.live.lastRead.Sub(k.postponed) > standByTime/2 {
		k.standing.Reset(standByTime)
		k.postponed = k.live.lastRead
	}
}

// takeTurn gives the turn to a caller that is about to publish, if it is free. Called with the lock.
func (k *conn) takeTurn(ctx context.Context) bool {
	if k.turn != turnFree {
		return false
	}
	k.turn, k.caller = turnCaller, ctx
	return true
}

// readForReply reads until a publish has its Reply, and passes the turn on.
func (c *Client) readForReply(ctx context.Context, k *conn, p *publication) (uint64, error) {
	for k.readOnce() && ctx.Err() == nil {
		select {
		case <-p.done:
			k.passTurn()
			return p.result()
		default:
		}
	}
	k.passTurn()
	return c.waitForReply(ctx, p)
}

func (k *conn) passTurn() {
	k.client.mu.Lock()
	k.turn, k.caller = turnFree, nil
	if k.isAlone() {
		k.postpone()
	} else {
		wakeUp(k.wanted)
	}
	k.client.mu.Unlock()
}
