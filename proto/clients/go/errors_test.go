package hubrelay

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"syscall"
	"testing"
)

func TestWhatTheOperatingSystemSaidIsInTheErrors(t *testing.T) {
	relay := &scripted{}
	c := relay.unconnected(t, WithDialer(func(context.Context) (net.Conn, error) { return nil, syscall.EACCES }))
	c.eventually(t, "an attempt", func() bool { return c.problem != nil })
	if err := c.Send("room", nil); !errors.Is(err, fs.ErrPermission) || !errors.Is(err, ErrNotConnected) {
		t.Errorf("Send: %v", err)
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	for _, want := range []error{fs.ErrPermission, context.Canceled, ErrNotConnected} {
		if err := c.Ready(ended); !errors.Is(err, want) {
			t.Errorf("Ready: %v is no %v", err, want)
		}
	}
}
