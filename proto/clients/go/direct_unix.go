//go:build unix

package hubrelay

import (
	"io"
	"net"
	"os"
	"syscall"
)

// directSocket is a socket of the operating system that this package reads and writes by its own system calls. A write
// never waits, so that it does not delay the publisher. One goroutine reads at a time, and one writes.
type directSocket struct {
	raw syscall.RawConn // nil: the socket is something else, and only net.Conn's methods can be used
	fd  uintptr         // the socket, if raw belongs to what is watched in its place
	has bool            // fd is set

	in  transfer
	out transfer
}

// transfer is one read or write. The function attempt is created only once, so that a transfer allocates nothing.
type transfer struct {
	bytes   []byte
	n       int
	err     error
	attempt func(fd uintptr) (done bool)
}

func (s *directSocket) init(socket net.Conn) {
	switch socket := socket.(type) {
	case interface {
		descriptor() (syscall.RawConn, uintptr)
	}:
		s.raw, s.fd = socket.descriptor()
		s.has = true
	case *net.UnixConn:
		s.raw, _ = socket.SyscallConn()
	case *net.TCPConn:
		s.raw, _ = socket.SyscallConn()
	default:
		return // a type that wraps a socket may change what is read and written
	}
	s.in.attempt = func(fd uintptr) bool {
		s.in.n, s.in.err = readSocket(s.of(fd), s.in.bytes)
		return s.in.err != syscall.EAGAIN // on EAGAIN the runtime waits for bytes, and calls again
	}
	s.out.attempt = func(fd uintptr) bool {
		s.out.n, s.out.err = writeSocket(s.of(fd), s.out.bytes)
		return true // do not wait while the socket is full
	}
}

// of returns the socket's descriptor, since raw may pass the descriptor of what is watched in its place.
func (s *directSocket) of(fd uintptr) uintptr {
	if s.has {
		return s.fd
	}
	return fd
}

// read waits for bytes. The error is io.EOF at the end, and os.ErrDeadlineExceeded after a deadline, as with net.Conn.
func (s *directSocket) read(into []byte) (int, error) {
	s.in.bytes = into
	err := s.raw.Read(s.in.attempt)
	s.in.bytes = nil
	switch {
	case err != nil:
		return 0, err
	case s.in.err != nil:
		return 0, os.NewSyscallError("read", s.in.err)
	case s.in.n == 0:
		return 0, io.EOF
	}
	return s.in.n, nil
}

// readNow reads the bytes that are in the socket, without waiting. It returns 0 and no error when there are none, or
// when there is no direct socket.
func (s *directSocket) readNow(into []byte) (n int, err error) {
	if s.raw == nil {
		return 0, nil
	}
	rawErr := s.raw.Read(func(fd uintptr) bool {
		n, err = readSocket(s.of(fd), into)
		return true
	})
	switch {
	case rawErr != nil:
		return 0, rawErr
	case err == syscall.EAGAIN:
		return 0, nil
	case err == nil && n == 0:
		return 0, errRelayClosed
	}
	return n, err
}

// hungUp returns whether the other side has closed the connection, even if there are still bytes to read. It returns
// false if there is no direct socket.
func (s *directSocket) hungUp() (closed bool) {
	if s.raw != nil {
		_ = s.raw.Control(func(fd uintptr) { closed = hasHungUp(s.of(fd)) }) // fails if this side has closed the socket
	}
	return closed
}

// write writes what fits, and returns how many bytes that was, which may be 0. Without a direct socket it is 0.
func (s *directSocket) write(chunk []byte) (int, error) {
	if s.raw == nil {
		return 0, nil
	}
	s.out.bytes = chunk
	err := s.raw.Write(s.out.attempt)
	s.out.bytes = nil
	switch {
	case err != nil:
		return 0, err
	case s.out.err == syscall.EAGAIN:
		return 0, nil
	}
	return s.out.n, s.out.err
}
