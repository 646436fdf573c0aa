package hubrelay

import (
	"fmt"
	"math/rand"
	"testing"
)

func TestWhoListensIsKnownHoweverSubscriptionsComeAndGo(t *testing.T) {
	c := (&scripted{features: allFeatures}).client(t)
	random := rand.New(rand.NewSource(1))
	var open []*Subscription
	for step := 0; step < 500; step++ {
		if len(open) > 0 && random.Intn(2) == 0 {
			i := random.Intn(len(open))
			open[i].Close()
			open = append(open[:i], open[i+1:]...)
		} else {
			var channels []string
			for i := 0; i < 5; i++ {
				channels = append(channels, fmt.Sprint("room.", random.Intn(8)))
			}
			s, err := c.Listen(soon(t), channels...)
			if err != nil {
				t.Fatal(err)
			}
			open = append(open, s)
		}
		if wrong := wrongListeners(c, open); wrong != "" {
			t.Fatalf("step %d: %s", step, wrong)
		}
	}
}

func wrongListeners(c *Client, open []*Subscription) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	count := 0
	for _, e := range c.channels {
		for place, l := range e.subs {
			count++
			if l.subscription.entries[l.entry] != e || l.subscription.places[l.entry] != place {
				return e.text + " does not know who listens"
			}
		}
	}
	for _, s := range open {
		count -= len(s.entries)
	}
	if count != 0 {
		return fmt.Sprint(count, " too many listen")
	}
	return ""
}
