package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"hubrelay/hubrelaytest"
)

func TestGuestsOfTwoServersMeetInARoom(t *testing.T) {
	relay := hubrelaytest.New(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var guests []net.Conn
	for _, name := range []string{"server-1", "server-2"} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		go serve(ctx, relay.Client(name), listener)
		guest, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer guest.Close()
		guests = append(guests, guest)
		fmt.Fprintln(guest, "lobby")
	}
	// Each says hello until both have heard it: a guest has entered when he hears himself.
	for i, guest := range guests {
		if err := guest.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(guest, "hello from %d\n", i)
		hear(t, guest, fmt.Sprintf("hello from %d", i))
	}
	fmt.Fprintln(guests[1], "how are you?")
	hear(t, guests[0], "how are you?")
}

func hear(t *testing.T, guest net.Conn, want string) {
	t.Helper()
	lines := bufio.NewScanner(guest)
	for lines.Scan() {
		if lines.Text() == want {
			return
		}
	}
	t.Fatalf("%q was not heard: %v", want, lines.Err())
}
