package hubrelay

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// pathSockets gives both ends of a connection: one as the client has it, and one as net has it.
func pathSockets(t *testing.T) (*pathSocket, *net.UnixConn) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "socket")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	dialed, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	ours, ok := watchReads(dialed).(*pathSocket)
	if !ok {
		t.Fatal("the connection is watched for reading and writing")
	}
	t.Cleanup(func() {
		_ = ours.Close()
		_ = accepted.Close()
	})
	return ours, accepted.(*net.UnixConn)
}

func TestPathSocketReadsToTheEndAndKeepsDeadlines(t *testing.T) {
	ours, theirs := pathSockets(t)
	var direct directSocket
	direct.init(ours)
	into := make([]byte, 3)
	for _, text := range []string{"one", "two"} {
		if _, err := theirs.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if n, err := direct.read(into); err != nil || string(into[:n]) != text {
			t.Errorf("read %q, %v", into[:n], err)
		}
	}
	if n, err := direct.readNow(into); n != 0 || err != nil {
		t.Errorf("nothing is there: %d, %v", n, err)
	}
	if err := ours.SetReadDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := direct.read(into); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("behind the deadline: %v", err)
	}
	if err := ours.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	if err := ours.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if n, err := theirs.Read(into); err != io.EOF {
		t.Errorf("the writing side is shut: %d, %v", n, err)
	}
	if err := theirs.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := direct.read(into); err != io.EOF {
		t.Errorf("the other side has closed: %v", err)
	}
	if _, err := direct.readNow(into); err != errRelayClosed {
		t.Errorf("the other side has closed: %v", err)
	}
}

// fill writes to a socket until it is full, and returns how much that was.
func fill(t *testing.T, direct *directSocket) (total int) {
	t.Helper()
	for chunk := make([]byte, 128<<10); ; {
		n, err := direct.write(chunk)
		if err != nil {
			t.Fatal(err)
		}
		if total += n; n == 0 {
			return total
		}
	}
}

func TestPathSocketWritesAllOnceThereIsRoom(t *testing.T) {
	ours, theirs := pathSockets(t)
	var direct directSocket
	direct.init(ours)
	filled := fill(t, &direct)
	text := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	written := make(chan error, 1)
	go func() {
		n, err := ours.Write(text)
		if err == nil && n != len(text) {
			err = io.ErrShortWrite
		}
		written <- err
	}()
	got := make([]byte, filled+len(text))
	if _, err := io.ReadFull(theirs, got); err != nil {
		t.Fatal(err)
	}
	if err := <-written; err != nil {
		t.Error(err)
	}
	if !bytes.Equal(got[filled:], text) {
		t.Error("other bytes have come")
	}
	if n, err := direct.write([]byte("and on")); n != 6 || err != nil {
		t.Errorf("behind it: %d, %v", n, err)
	}
}

// Whether they wait already when the socket is closed makes no difference to what they are told.
func TestPathSocketsEndTellsWhoWaits(t *testing.T) {
	ours, theirs := pathSockets(t)
	var direct directSocket
	direct.init(ours)
	fill(t, &direct)
	ended := make(chan error, 2)
	go func() {
		_, err := direct.read(make([]byte, 1))
		ended <- err
	}()
	full, err := ours.watchRoom()
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		_, err := full.Write([]byte("no room"))
		ended <- err
	}()
	if err := ours.Close(); err != nil {
		t.Error(err)
	}
	for i := 0; i < 2; i++ {
		if err := <-ended; err == nil {
			t.Error("a read or write on a closed socket has no error")
		}
	}
	if err := ours.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("closed again: %v", err)
	}
	if _, err := direct.write([]byte("closed")); err == nil {
		t.Error("a direct write on a closed socket has no error")
	}
	if _, err := ours.Write([]byte("closed")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a write on a closed socket: %v", err)
	}
	if _, err := io.Copy(io.Discard, theirs); err != nil { // not to the end if a descriptor was left open
		t.Error(err)
	}
}

func TestPathSocketIsWatchedForBytesAlone(t *testing.T) {
	ours, theirs := pathSockets(t)
	ready := func() (n int) {
		t.Helper()
		err := ours.raw.Control(func(instance uintptr) {
			var err error
			if n, err = syscall.EpollWait(int(instance), make([]syscall.EpollEvent, 1), 0); err != nil {
				t.Error(err)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := ready(); n != 0 {
		t.Error("there is room to write, and that was told")
	}
	if _, err := theirs.Write([]byte("pong")); err != nil {
		t.Fatal(err)
	}
	if n := ready(); n != 1 {
		t.Error("there is something to read, and that was not told")
	}
}
