package hubrelay

import (
	"context"
	"math/rand"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

func newQueue(limit, allLimit int) (*queue, *atomic.Int64) {
	q, all := &queue{}, &atomic.Int64{}
	q.init(limit, all, allLimit)
	return q, all
}

func sized(bytes int) *Message { return &Message{Payload: make([]byte, bytes-eventBytes)} }

func drain(t *testing.T, q *queue) (events []Event) {
	t.Helper()
	for {
		q.mu.Lock()
		empty := q.count == 0 && q.overflow == (overflow{})
		q.mu.Unlock()
		if empty {
			return events
		}
		event, err := q.next(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, event)
	}
}

func TestWhatAFullQueueCannotTakeIsALossInItsPlace(t *testing.T) {
	q, all := newQueue(1000, 1<<20)
	for i := 0; i < 5; i++ {
		q.push(sized(400))
	}
	q.push(&Gap{Reasons: []string{"old"}})
	q.push(&Gap{Reasons: []string{"new"}})
	q.push(&Status{Reason: "newest"})
	events := drain(t, q)
	if len(events) != 5 {
		t.Fatalf("%d events: %v", len(events), events)
	}
	loss, ok := events[2].(*Loss)
	if !ok || loss.Messages != 3 || !loss.Local {
		t.Errorf("third event %+v", events[2])
	}
	if _, ok := events[3].(*Status); !ok {
		t.Errorf("fourth event %+v", events[3])
	}
	if gap, ok := events[4].(*Gap); !ok || gap.Reasons[0] != "new" {
		t.Errorf("fifth event %+v", events[4])
	}
	if all.Load() != 0 {
		t.Errorf("%d bytes are counted in an empty queue", all.Load())
	}
}

func TestALossOfEventsIsFollowedByAGap(t *testing.T) {
	q, _ := newQueue(1000, 1<<20)
	q.tellsGap = true
	for i := 0; i < 5; i++ {
		q.push(sized(400))
	}
	events := drain(t, q)
	if _, ok := events[len(events)-1].(*Gap); !ok || len(events) != 4 {
		t.Errorf("events %v", events)
	}
}

func TestAllQueuesTogetherAreBoundedAndAnEmptyOneTakesAny(t *testing.T) {
	q, all := newQueue(1000, 1500)
	all.Store(1400) // others
	if !q.push(sized(5000)) {
		t.Error("an empty queue did not take a large event")
	}
	if q.push(sized(100)) {
		t.Error("taken beyond the bound of all queues")
	}
}

func TestAQueueThatWasFullSaysWhenThereIsRoom(t *testing.T) {
	q, _ := newQueue(1000, 1<<20)
	rooms := 0
	q.onRoom = func() { rooms++ }
	q.push(sized(400))
	q.push(sized(400))
	if !q.isFull(400) || q.isFull(100) {
		t.Fatal("full or not")
	}
	drain(t, q)
	if rooms != 1 {
		t.Errorf("told %d times", rooms)
	}
}

func TestAQueueKeepsItsOrderHoweverItGrowsAndShrinks(t *testing.T) {
	q, _ := newQueue(1<<30, 1<<30)
	random := rand.New(rand.NewSource(1))
	pushed, taken := uint64(0), uint64(0)
	for step := 0; step < 2000; step++ {
		for n := random.Intn(20); n > 0; n-- {
			q.push(&Loss{Messages: pushed})
			pushed++
		}
		for n := random.Intn(20); n > 0 && taken < pushed; n-- {
			event, _ := q.next(context.Background())
			if event.(*Loss).Messages != taken {
				t.Fatalf("%d came in place of %d", event.(*Loss).Messages, taken)
			}
			taken++
		}
	}
}

func TestReadersOfAQueueAreAllWokenAtItsEnd(t *testing.T) {
	q, _ := newQueue(1000, 1<<20)
	results := make(chan error)
	for i := 0; i < 3; i++ {
		go func() {
			_, err := q.next(context.Background())
			results <- err
		}()
	}
	for waiting := 0; waiting < 3; runtime.Gosched() {
		q.mu.Lock()
		waiting = q.waiting
		q.mu.Unlock()
	}
	q.close()
	for i := 0; i < 3; i++ {
		select {
		case err := <-results:
			if err != ErrClosed {
				t.Errorf("error %v", err)
			}
		case <-time.After(30 * time.Second):
			t.Fatal("a reader waits for ever")
		}
	}
}

func TestAMessageThatManyQueuesHoldCountsOnceForAllOfThem(t *testing.T) {
	var all atomic.Int64
	queues := make([]queue, 100)
	message, other := sized(1000), sized(1000)
	for i := range queues {
		queues[i].init(10000, &all, 10000)
		if !queues[i].push(message) || !queues[i].push(other) {
			t.Fatalf("queue %d has no room, with %d bytes counted", i, all.Load())
		}
	}
	if want := int64(2*1000 + 2*len(queues)*referenceBytes); all.Load() != want {
		t.Errorf("%d bytes are counted, want %d", all.Load(), want)
	}
	for i := range queues {
		if i%2 == 0 {
			queues[i].discard()
		} else {
			drain(t, &queues[i])
		}
	}
	if all.Load() != 0 {
		t.Errorf("%d bytes are counted in empty queues", all.Load())
	}
}
