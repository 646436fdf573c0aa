package hubrelay

import (
	"context"
	"sync"
)

// Names are channels and patterns. Each is UTF-8 of 1 to 512 bytes; patterns are in Redis's glob syntax. They are
// possible only where the relay has the feature "patterns", which it does not have with sharded pub/sub of a cluster.
type Names struct {
	Channels []string
	Patterns []string
}

// Subscription is a bounded queue of the messages of some channels and patterns. One reader listens with it, for
// example one socket of a hub server, or one task. Several Subscriptions may listen to the same channel; the relay sees
// only one. It is safe for use by many goroutines; each event goes to one of them.
type Subscription struct {
	client  *Client
	names   Names
	queue   queue
	hooked  hooked
	entries []*entry // guarded by the client's lock; nil when it is closed
	places  []int    // its index in the subs of each entry; guarded in the same way
	pending bool
}

// Next waits for the next event: *Message, *Loss, *Gap or *Revoked. A Revoked is the last event. At the end Next
// returns ErrClosed. It returns the context's error when the context ends first.
//
// A Gap or a Loss says that messages have been missed, or may have been: read again everything that must not be missed.
func (s *Subscription) Next(ctx context.Context) (Event, error) {
	return s.hooked.next(ctx, &s.client.options.hooks, &s.queue)
}

// Names returns the names that were asked for.
func (s *Subscription) Names() Names { return s.names }

// Pending is true if the relay had not confirmed the names yet when Listen returned. They are in force from the next
// Gap on.
func (s *Subscription) Pending() bool { return s.pending }

// Close ends the Subscription. Other Subscriptions to the same channels go on. Unread events are discarded, and Next
// returns ErrClosed. Closing twice is not an error.
func (s *Subscription) Close() {
	s.client.mu.Lock()
	s.client.detach(s)
	s.client.unlock()
	s.queue.discard()
	s.hooked.finish(&s.client.options.hooks)
}

// hooked calls the hooks of deliveries around next.
type hooked struct {
	mu   sync.Mutex
	last *Message
}

func (h *hooked) next(ctx context.Context, hooks *Hooks, q *queue) (Event, error) {
	if hooks.BeforeDelivery == nil && hooks.AfterDelivery == nil {
		return q.next(ctx)
	}
	h.finish(hooks)
	event, err := q.next(ctx)
	if message, ok := event.(*Message); ok {
		if hooks.BeforeDelivery != nil {
			hooks.BeforeDelivery(message)
		}
		h.mu.Lock()
		h.last = message
		h.mu.Unlock()
	}
	return event, err
}

func (h *hooked) finish(hooks *Hooks) {
	h.mu.Lock()
	last := h.last
	h.last = nil
	h.mu.Unlock()
	if last != nil && hooks.AfterDelivery != nil {
		hooks.AfterDelivery(last)
	}
}
