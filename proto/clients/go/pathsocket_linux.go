package hubrelay

import (
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// pathSocket is a Unix socket that wakes Go's runtime only when there are bytes to read.
//
// A net.Conn also wakes the runtime when there is room to write, and a Unix socket reports that each time the other
// side has read something. A publish would wake this process twice: when the relay has read it, and when its Reply
// comes. So an epoll instance of its own watches the socket for reading, and the runtime watches that instance. While
// the socket is full, the runtime watches the socket, too.
type pathSocket struct {
	net.Conn                 // closed: only its addresses are used. directSocket reads, and writes what fits
	fd       int             // the socket: a copy of the one that net.Conn had
	readable *os.File        // the epoll instance
	raw      syscall.RawConn // of readable, whose Close waits until a call of raw has ended

	mu     sync.Mutex
	closed bool
	full   *os.File // another copy of the socket, while it is full
}

// watchReads makes a pathSocket from a connection, and closes the connection. If this fails it returns the connection
// itself.
func watchReads(conn net.Conn) net.Conn {
	fd, err := copyOf(conn)
	if err != nil {
		return conn
	}
	readable, err := newReadable(fd)
	if err != nil {
		_ = syscall.Close(fd)
		return conn
	}
	raw, err := readable.SyscallConn()
	if err != nil {
		_ = readable.Close()
		_ = syscall.Close(fd)
		return conn
	}
	_ = conn.Close() // the copy is the connection now
	return &pathSocket{Conn: conn, fd: fd, readable: readable, raw: raw}
}

// copyOf returns another descriptor of the same socket.
func copyOf(conn net.Conn) (fd int, err error) {
	raw, err := conn.(syscall.Conn).SyscallConn()
	if err != nil {
		return 0, err
	}
	if controlErr := raw.Control(func(from uintptr) { fd, err = duplicate(from) }); controlErr != nil {
		return 0, controlErr
	}
	return fd, err
}

// duplicate returns another descriptor, which is closed on exec.
func duplicate(fd uintptr) (int, error) {
	copied, _, errno := syscall.Syscall(syscall.SYS_FCNTL, fd, syscall.F_DUPFD_CLOEXEC, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(copied), nil
}

// newReadable makes an epoll instance that becomes readable when the socket can be read.
func newReadable(fd int) (*os.File, error) {
	instance, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	event := syscall.EpollEvent{Events: syscall.EPOLLIN | syscall.EPOLLRDHUP, Fd: int32(fd)}
	if err = syscall.EpollCtl(instance, syscall.EPOLL_CTL_ADD, fd, &event); err == nil {
		err = syscall.SetNonblock(instance, true) // so that the runtime watches it
	}
	readable := os.NewFile(uintptr(instance), "epoll")
	if err == nil {
		err = readable.SetReadDeadline(time.Time{}) // fails if the runtime does not watch it
	}
	if err != nil {
		_ = readable.Close()
		return nil, err
	}
	return readable, nil
}

// descriptor returns what a directSocket needs.
func (s *pathSocket) descriptor() (syscall.RawConn, uintptr) { return s.raw, uintptr(s.fd) }

// Write writes all bytes, and waits while the socket is full.
func (s *pathSocket) Write(bytes []byte) (int, error) {
	full, err := s.watchRoom()
	if err != nil {
		return 0, err
	}
	n, err := full.Write(bytes)
	s.mu.Lock()
	s.full = nil
	s.mu.Unlock()
	_ = full.Close() // fails if Close was called
	return n, err
}

// watchRoom returns a copy of the socket that the runtime watches.
func (s *pathSocket) watchRoom() (*os.File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, net.ErrClosed
	}
	copied, err := duplicate(uintptr(s.fd))
	if err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	s.full = os.NewFile(uintptr(copied), "socket")
	return s.full, nil
}

// Close ends the connection. A goroutine that waits to read or to write gets an error.
func (s *pathSocket) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return net.ErrClosed
	}
	s.closed = true
	full := s.full
	s.mu.Unlock()
	if full != nil {
		_ = full.Close() // fails if the write has ended
	}
	_ = s.readable.Close()
	return os.NewSyscallError("close", syscall.Close(s.fd))
}

// CloseWrite shuts the writing side.
func (s *pathSocket) CloseWrite() error {
	var err error
	if controlErr := s.raw.Control(func(uintptr) { err = syscall.Shutdown(s.fd, syscall.SHUT_WR) }); controlErr != nil {
		return controlErr
	}
	return os.NewSyscallError("shutdown", err)
}

// SetReadDeadline bounds the wait for bytes.
func (s *pathSocket) SetReadDeadline(t time.Time) error { return s.readable.SetReadDeadline(t) }
