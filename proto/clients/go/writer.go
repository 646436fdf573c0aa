package hubrelay

import "runtime"

// rewriteBytes is how much is written at once while the socket is full. After each such write, publishes that wait for
// room go on.
const rewriteBytes = 256 << 10

// gatherBytes is how much is worth a write of its own, even if others publish, too.
const gatherBytes = 32 << 10

// added is called after frames were added to out, and has them written. before is the length that out had.
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

// write writes what is queued, in the goroutine that added it. When the socket is full, another goroutine goes on, so
// that the relay never delays a goroutine that publishes. Called without the lock.
func (k *conn) write() {
	k.client.mu.Lock()
	for before := -1; k.yield && len(k.out) > before && len(k.out) < gatherBytes; {
		// Publishers that were woken together come here one by one. Let the others add their frames, so that one write
		// is enough for all.
		before = len(k.out)
		k.client.mu.Unlock()
		runtime.Gosched()
		k.client.mu.Lock()
	}
	for k.hasOutput() {
		chunk := k.takeOutput()
		k.client.mu.Unlock()
		n, err := k.direct.write(chunk)
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

// writeWaiting writes until all is written, and waits while the socket is full.
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

// giveBack keeps a buffer for the next frames, unless it is unusually large.
func (k *conn) giveBack(chunk []byte) {
	if cap(chunk) <= rewriteBytes {
		k.spare = chunk[:0]
	}
}

// wrote counts what was written, and lets publishes go on that wait for room.
func (k *conn) wrote(n int, err error) {
	k.written += uint64(n)
	for len(k.sendEnds) > 0 && k.sendEnds[0] <= k.written {
		k.sendEnds = k.sendEnds[1:]
	}
	if err != nil {
		k.broken = true
		wakeUp(k.resume)
	}
	k.client.admitWaiters()
	if k.client.closing {
		k.client.announce() // Close may wait until everything is written
	}
}

// stopWriting is called when the goroutine that wrote has finished.
func (k *conn) stopWriting() {
	k.writing = false
	if k.ended != nil {
		k.settleEnd()
	} else if k.shutting && len(k.out) == 0 {
		k.shutWriting()
	}
}

// shutAfterOutput shuts the writing side once what is queued is written.
func (k *conn) shutAfterOutput() {
	k.shutting = true
	if !k.writing {
		k.shutWriting()
	}
}

// halfCloser is a socket whose writing side can be shut.
type halfCloser interface{ CloseWrite() error }

func (k *conn) shutWriting() {
	if half, ok := k.socket.(halfCloser); ok && k.ended == nil {
		_ = half.CloseWrite() // fails if the relay has closed, which the reader finds out
	}
}

// unwritten is how many bytes the relay has not taken yet.
func (k *conn) unwritten() int { return int(k.queued - k.written) }
