//go:build unix

package hubrelay

import (
	"io"
	"net"
	"os"
	"syscall"
)

// directSocket is a socket of the operating system's that is read and written by system calls of this package. A write
// never waits, so that whoever publishes is not held up. One goroutine reads at a time, and one writes.
type directSocket struct {
	raw syscall.RawConn // nil: the socket is something else, of which only net.Conn's own methods can be used
	fd  uintptr         // the socket, if raw is of what is watched in its place
	has bool            // fd is set

	in  transfer
	out transfer
}

// transfer is one read or write. Its attempt is made once, so that a transfer allocates nothing.
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
		return // what wraps a socket may change what is read and written
	}
	s.in.attempt = func(fd uintptr) bool {
		s.in.n, s.in.err = readSocket(s.of(fd), s.in.bytes)
		return s.in.err != syscall.EAGAIN // else the runtime waits for bytes, and calls again
	}
	s.out.attempt = func(fd uintptr) bool {
		s.out.n, s.out.err = writeSocket(s.of(fd), s.out.bytes)
		return true // not to wait for a socket that is full
	}
}

// of gives the socket's descriptor, where raw has called with another one.
func (s *directSocket) of(fd uintptr) uintptr {
	if s.has {
		return s.fd
	}
	return fd
}

// read waits for bytes. The error is io.EOF at the end, and os.ErrDeadlineExceeded as that of net.Conn.
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

// readNow reads what lies in the socket, without waiting. It returns 0 and no error when there is nothing, or no direct
// socket.
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

// hungUp tells whether the other side has closed the connection, whatever it has written before. It does not know where
// there is no direct socket.
func (s *directSocket) hungUp() (closed bool) {
	if s.raw != nil {
		_ = s.raw.Control(func(fd uintptr) { closed = hasHungUp(s.of(fd)) }) // fails once it was closed here
	}
	return closed
}

// write writes what fits. It returns how much that was, which may be nothing. Without a direct socket it is nothing.
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
