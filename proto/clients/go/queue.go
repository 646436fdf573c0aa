package hubrelay

import (
	"context"
	"sync"
	"sync/atomic"
)

// queue is a bounded list of events with readers that wait. Messages that do not fit are dropped, counted, and reported
// as a Loss in their place. Of a Status or Gap that does not fit, the newest is kept.
type queue struct {
	mu       sync.Mutex
	ring     []Event // a ring: count items from head on
	head     int
	count    int
	bytes    int
	limit    int
	all      *atomic.Int64 // bytes in all queues of the client; a message that several hold counts once
	allLimit int64
	overflow overflow // what came while there was no room; it follows the ring's items
	waiting  int      // how many readers wait
	wake     chan struct{}
	closed   bool
	tellsGap bool // a Gap follows the queue's own Loss; else the Loss stands for both
	// onRoom is called, without the lock, when a queue that was full has become half empty. It may be nil.
	onRoom func()
	full   bool
}

// overflow is what a full queue remembers, in bounded space.
type overflow struct {
	dropped uint64
	loss    *Loss
	revoked *Revoked
	gap     *Gap
	status  *Status
}

func (q *queue) init(limit int, all *atomic.Int64, allLimit int) {
	q.limit, q.all, q.allLimit = limit, all, int64(allLimit)
	q.wake = make(chan struct{}, 1)
}

// push adds an event. It returns false if the event is a message for which there was no room.
func (q *queue) push(event Event) bool {
	q.mu.Lock()
	kept := q.add(event)
	wake := q.waiting > 0
	q.mu.Unlock()
	if wake {
		q.signal()
	}
	return kept
}

func (q *queue) add(event Event) bool {
	if q.closed {
		return true
	}
	size, more := event.queued(), referenceBytes
	if m, ok := event.(*Message); !ok || atomic.LoadInt32(&m.queues) == 0 {
		more += size
	}
	if q.overflow != (overflow{}) && q.hasRoom(size, more) {
		q.flushOverflow()
	}
	if q.overflow != (overflow{}) || !q.hasRoom(size, more) {
		q.full = true
		return q.overflow.add(event)
	}
	q.append(event, size)
	return true
}

// hasRoom returns whether an event of this size fits, if it adds more bytes to what all queues hold. An empty queue
// takes one event of any size.
func (q *queue) hasRoom(size, more int) bool {
	if q.count == 0 {
		return true
	}
	return q.bytes+size <= q.limit && q.all.Load()+int64(more) <= q.allLimit
}

// referenceBytes is what an event counts for in each further queue that holds it.
const referenceBytes = 16

// addToAll counts an event that was put into this queue. It counts the event's size only if no other queue holds it.
func (q *queue) addToAll(event Event) {
	size := event.queued()
	if m, ok := event.(*Message); ok && atomic.AddInt32(&m.queues, 1) > 1 {
		size = 0
	}
	q.all.Add(int64(size + referenceBytes))
}

// takeFromAll undoes addToAll for an event that has left this queue.
func (q *queue) takeFromAll(event Event) {
	size := event.queued()
	if m, ok := event.(*Message); ok && atomic.AddInt32(&m.queues, -1) > 0 {
		size = 0
	}
	q.all.Add(-int64(size + referenceBytes))
}

func (q *queue) append(event Event, size int) {
	if q.count == len(q.ring) {
		q.grow()
	}
	at := q.head + q.count
	if at >= len(q.ring) {
		at -= len(q.ring)
	}
	q.ring[at] = event
	q.count++
	q.bytes += size
	q.addToAll(event)
}

func (q *queue) grow() {
	larger := make([]Event, 2*len(q.ring)+8)
	n := copy(larger, q.ring[q.head:])
	copy(larger[n:], q.ring[:q.head])
	q.ring, q.head = larger, 0
}

// flushOverflow moves what was remembered to the end of the ring. The loss comes first, in the place of the dropped
// messages.
func (q *queue) flushOverflow() {
	o := q.overflow
	q.overflow = overflow{}
	if o.dropped > 0 {
		loss := &Loss{Messages: o.dropped, Cause: CauseSlowReader, Reason: "the application does not read fast enough",
			Local: true}
		q.append(loss, loss.queued())
		if q.tellsGap && o.gap == nil {
			o.gap = &Gap{Reasons: []string{reasonLoss}}
		}
	}
	if o.loss != nil {
		q.append(o.loss, o.loss.queued())
	}
	if o.revoked != nil {
		q.append(o.revoked, o.revoked.queued())
	}
	if o.status != nil {
		q.append(o.status, o.status.queued())
	}
	if o.gap != nil {
		q.append(o.gap, o.gap.queued())
	}
}

func (o *overflow) add(event Event) bool {
	switch event := event.(type) {
	case *Message:
		o.dropped++
		return false
	case *Loss:
		sum := *event
		if o.loss != nil {
			sum.Publishes += o.loss.Publishes
			sum.PublishesUnknown += o.loss.PublishesUnknown
			sum.Messages += o.loss.Messages
			sum.Local = sum.Local && o.loss.Local
		}
		o.loss = &sum
	case *Revoked:
		sum := *event
		if o.revoked != nil {
			sum.Channels = append(append([]string(nil), o.revoked.Channels...), event.Channels...)
			sum.Patterns = append(append([]string(nil), o.revoked.Patterns...), event.Patterns...)
		}
		o.revoked = &sum
	case *Gap:
		o.gap = event
	case *Status:
		o.status = event
	}
	return true
}

// next waits for an event. It returns ErrClosed at the end, and the context's error when the context ends first.
func (q *queue) next(ctx context.Context) (Event, error) {
	for {
		q.mu.Lock()
		if q.count == 0 && q.overflow != (overflow{}) {
			q.flushOverflow()
		}
		if q.count > 0 {
			return q.take(), nil
		}
		if q.closed {
			q.mu.Unlock()
			q.signal() // wake another reader that waits
			return nil, ErrClosed
		}
		q.waiting++
		q.mu.Unlock()
		var err error
		select {
		case <-q.wake:
		case <-ctx.Done():
			err = ctx.Err()
		}
		q.mu.Lock()
		q.waiting--
		q.mu.Unlock()
		if err != nil {
			q.signal() // this reader may also have been woken: pass that on to another one
			return nil, err
		}
	}
}

// take removes the first event, and releases the lock.
func (q *queue) take() Event {
	event := q.ring[q.head]
	q.ring[q.head] = nil
	if q.head++; q.head == len(q.ring) {
		q.head = 0
	}
	q.count--
	size := event.queued()
	q.bytes -= size
	q.takeFromAll(event)
	if q.count == 0 && len(q.ring) > 1024 {
		q.ring, q.head = nil, 0 // a burst is over
	}
	room := q.full && q.bytes <= q.limit/2
	if room {
		q.full = false
	}
	others := q.waiting > 0 && q.count > 0
	q.mu.Unlock()
	if others {
		q.signal()
	}
	if room && q.onRoom != nil {
		q.onRoom()
	}
	return event
}

// isFull returns whether there is no room for an event of this size. If there is none, onRoom will be called once there
// is.
func (q *queue) isFull(size int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	full := q.overflow != (overflow{}) || !q.hasRoom(size, size+referenceBytes)
	q.full = q.full || full
	return full
}

// close ends the queue. What it holds can still be read.
func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.signal()
}

// discard ends the queue and forgets what it holds.
func (q *queue) discard() {
	q.mu.Lock()
	for i := 0; i < q.count; i++ {
		q.takeFromAll(q.ring[(q.head+i)%len(q.ring)])
	}
	q.ring, q.head, q.count, q.bytes, q.overflow, q.closed = nil, 0, 0, 0, overflow{}, true
	q.mu.Unlock()
	q.signal()
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}
