// Command socketserver is the socket server of a pair: it holds the sockets of those who listen, and brings them what a
// web request has published on any host. Any number may run, beside one relay each.
//
//	go run ./examples/socketserver -relay /tmp/chat.sock -listen 127.0.0.1:7003
//	curl --no-buffer http://127.0.0.1:7003/rooms/lobby
//
// The sockets are server-sent events, so a page listens by `new EventSource("/rooms/lobby")`.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"time"

	"hubrelay"
)

func main() {
	path := flag.String("relay", "/run/hubrelay/hubrelay.sock", "the relay's `socket`")
	address := flag.String("listen", "127.0.0.1:7003", "`address` for those who listen")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	client, err := hubrelay.New(*path, "socketserver", hubrelay.WithLogger(log.Default()))
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("listening on", listener.Addr())
	server := &http.Server{
		Handler:           hear(client),
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx }, // ends those who listen, too
	}
	go server.Serve(listener) // until Shutdown
	<-ctx.Done()
	if err := server.Shutdown(context.Background()); err != nil {
		log.Print(err)
	}
	if err := client.Close(context.Background()); err != nil {
		log.Print(err)
	}
}

// hear brings GET /rooms/NAME what is said there. The relay is asked for a room once, however many listen.
func hear(client *hubrelay.Client) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		room := strings.TrimPrefix(r.URL.Path, "/rooms/")
		if r.Method != http.MethodGet || room == r.URL.Path {
			http.Error(w, "GET /rooms/NAME", http.StatusNotFound)
			return
		}
		subscription, err := client.Listen(r.Context(), "room."+room)
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		defer subscription.Close()
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("Cache-Control", "no-store")
		for err == nil {
			w.(http.Flusher).Flush()
			var event hubrelay.Event
			if event, err = subscription.Next(r.Context()); err == nil {
				err = write(w, event)
			}
		}
	}
}

// write tells a page what has happened. One that hears "gap" reads again what it must not miss.
func write(w io.Writer, event hubrelay.Event) error {
	var err error
	switch event := event.(type) {
	case *hubrelay.Message:
		for _, line := range strings.Split(string(event.Payload), "\n") {
			fmt.Fprintf(w, "data: %s\n", line)
		}
		_, err = fmt.Fprintln(w)
	case *hubrelay.Gap:
		_, err = fmt.Fprint(w, "event: gap\ndata: something may be missing here\n\n")
	case *hubrelay.Loss:
		_, err = fmt.Fprintf(w, "event: loss\ndata: %d messages are missing here\n\n", event.Messages)
	case *hubrelay.Revoked:
		_, err = fmt.Fprint(w, "event: closed\ndata: this room is closed\n\n")
	}
	return err
}
