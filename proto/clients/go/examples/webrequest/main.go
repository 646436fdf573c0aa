// Command webrequest is the web server of a pair: a request publishes, and the socket servers, on any number of hosts,
// bring it to everybody who listens there.
//
//	go run ./examples/webrequest -relay /tmp/chat.sock -listen 127.0.0.1:7002
//	curl --data hello http://127.0.0.1:7002/rooms/lobby
package main

import (
	"context"
	"errors"
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

const longest = 64 << 10 // bytes of a message

func main() {
	path := flag.String("relay", "/run/hubrelay/hubrelay.sock", "the relay's `socket`")
	address := flag.String("listen", "127.0.0.1:7002", "`address` for requests")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	client, err := hubrelay.New(*path, "webrequest", hubrelay.WithLogger(log.Default()))
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("listening on", listener.Addr())
	server := &http.Server{Handler: say(client), ReadHeaderTimeout: 10 * time.Second}
	go server.Serve(listener) // until Shutdown
	<-ctx.Done()
	if err := server.Shutdown(context.Background()); err != nil {
		log.Print(err)
	}
	if err := client.Close(context.Background()); err != nil {
		log.Print(err)
	}
}

// say publishes the body of POST /rooms/NAME. The answer is 503 where the message was not, or perhaps not, sent.
func say(client *hubrelay.Client) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		room := strings.TrimPrefix(r.URL.Path, "/rooms/")
		if r.Method != http.MethodPost || room == r.URL.Path {
			http.Error(w, "POST /rooms/NAME", http.StatusNotFound)
			return
		}
		text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, longest))
		if err != nil {
			http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
			return
		}
		switch _, err := client.Publish(r.Context(), "room."+room, text); {
		case err == nil:
			fmt.Fprintln(w, "sent")
		case errors.Is(err, hubrelay.ErrInterrupted):
			http.Error(w, "perhaps sent: "+err.Error(), http.StatusServiceUnavailable)
		default:
			http.Error(w, "not sent: "+err.Error(), http.StatusServiceUnavailable)
		}
	}
}
