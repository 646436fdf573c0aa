// Command chatroom is a chat server for nc or telnet, of which any number may run, on any number of hosts, beside one
// relay each:
//
//	go run ./examples/chatroom -relay /tmp/chat.sock -listen 127.0.0.1:7001
//	nc 127.0.0.1 7001
//
// The first line that is typed is the name of a room, the others are said there.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"

	"hubrelay"
)

func main() {
	path := flag.String("relay", "/run/hubrelay/hubrelay.sock", "the relay's `socket`")
	address := flag.String("listen", "127.0.0.1:7001", "`address` for guests")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	client, err := hubrelay.New(*path, "chatroom", hubrelay.WithLogger(log.Default()))
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("listening on", listener.Addr())
	go serve(ctx, client, listener)
	<-ctx.Done()
	listener.Close()
	if err := client.Close(context.Background()); err != nil {
		log.Print(err)
	}
}

// serve takes guests until the listener is closed.
func serve(ctx context.Context, client *hubrelay.Client, listener net.Listener) {
	for {
		guest, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer guest.Close()
			if err := host(ctx, client, guest); err != nil {
				fmt.Fprintln(guest, "*", err)
			}
		}()
	}
}

// host serves one guest, to the end.
func host(ctx context.Context, client *hubrelay.Client, guest net.Conn) error {
	lines := bufio.NewScanner(guest)
	if !lines.Scan() {
		return lines.Err()
	}
	channel := "room." + lines.Text()
	room, err := client.Listen(ctx, channel)
	if err != nil {
		return err
	}
	defer room.Close()
	go deliver(ctx, room, guest)
	for lines.Scan() {
		switch _, err := client.Publish(ctx, channel, lines.Bytes()); {
		case err == nil:
		case errors.Is(err, hubrelay.ErrInterrupted):
			fmt.Fprintln(guest, "* that may have been said, or not")
		default:
			fmt.Fprintln(guest, "* that was not said:", err)
		}
	}
	return lines.Err()
}

// deliver brings a guest what is said in the room. A guest who does not read gets a Loss, and disturbs nobody.
func deliver(ctx context.Context, room *hubrelay.Subscription, guest net.Conn) {
	for {
		event, err := room.Next(ctx)
		if err != nil {
			return
		}
		switch event := event.(type) {
		case *hubrelay.Message:
			_, err = fmt.Fprintf(guest, "%s\n", event.Payload)
		case *hubrelay.Gap:
			_, err = fmt.Fprintln(guest, "* something may be missing here:", event)
		case *hubrelay.Loss:
			_, err = fmt.Fprintf(guest, "* %d messages are missing here\n", event.Messages)
		case *hubrelay.Revoked:
			_, err = fmt.Fprintln(guest, "* this room is closed:", event.Detail)
		}
		if err != nil {
			return
		}
	}
}
