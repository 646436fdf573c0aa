package hubrelay

import (
	"testing"
	"time"
)

func defaultBackoff() *backoff {
	times := &Times{}
	times.setDefaults()
	return &backoff{random: newRandom(), times: times}
}

func largest(b *backoff) (most, least time.Duration) {
	least = time.Hour
	for i := 0; i < 2000; i++ {
		d := b.delay()
		if d > most {
			most = d
		}
		if d < least {
			least = d
		}
	}
	return most, least
}

func TestDelaysAreRandomAndTheirBoundDoublesUpToTheLast(t *testing.T) {
	b := defaultBackoff()
	for _, bound := range []time.Duration{20, 40, 80, 160, 320, 500, 500} {
		b.failed(false)
		bound *= time.Millisecond
		if most, least := largest(b); most > bound || most < bound*9/10 || least > bound/10 {
			t.Errorf("delays from %v to %v, want 0 to %v", least, most, bound)
		}
	}
}

func TestWhatWillNotChangeSoonIsTriedSlowly(t *testing.T) {
	b := defaultBackoff()
	b.failed(true)
	if _, least := largest(b); least < 500*time.Millisecond {
		t.Errorf("first after %v", least)
	}
	for i := 0; i < 10; i++ {
		b.failed(true)
	}
	if most, least := largest(b); most > 30*time.Second || least < 15*time.Second {
		t.Errorf("later after %v to %v", least, most)
	}
}

func TestOnlyAConnectionThatLastedLetsAttemptsBeginAnew(t *testing.T) {
	for _, lasted := range []time.Duration{4 * time.Second, 5 * time.Second} {
		b := defaultBackoff()
		for i := 0; i < 10; i++ {
			b.failed(false)
		}
		b.last = &conn{began: begin, endedAt: begin.Add(lasted), ended: errRelayClosed}
		b.ended()
		if anew := b.attempts == 1; anew != (lasted == 5*time.Second) {
			t.Errorf("after %v: %d attempts", lasted, b.attempts)
		}
	}
}
