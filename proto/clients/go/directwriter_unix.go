//go:build unix

package hubrelay

import "syscall"

// directWriter writes to a socket what fits, without ever waiting. One goroutine uses it at a time.
type directWriter struct {
	chunk   []byte
	n       int
	err     error
	attempt func(fd uintptr) bool // made once, so that a write allocates nothing
}

func (w *directWriter) init() {
	w.attempt = func(fd uintptr) bool {
		n, err := syscall.Write(int(fd), w.chunk)
		switch err {
		case nil:
			w.n = n
		case syscall.EAGAIN, syscall.EINTR:
		default:
			w.err = err
		}
		return true // not to wait for a socket that is full
	}
}

// write returns how much was written, which may be nothing. Without a raw connection it is nothing.
func (w *directWriter) write(raw syscall.RawConn, chunk []byte) (int, error) {
	if raw == nil {
		return 0, nil
	}
	w.chunk, w.n, w.err = chunk, 0, nil
	err := raw.Write(w.attempt)
	if err == nil {
		err = w.err
	}
	w.chunk = nil
	return w.n, err
}

// readNow reads what lies in the socket, without waiting. It returns 0 and no error when there is nothing.
func readNow(raw syscall.RawConn, into []byte) (n int, err error) {
	if raw == nil {
		return 0, nil
	}
	rawErr := raw.Read(func(fd uintptr) bool {
		n, err = syscall.Read(int(fd), into)
		if err == nil && n == 0 {
			err = errRelayClosed
		}
		return true
	})
	if rawErr != nil {
		return 0, rawErr
	}
	if err == syscall.EAGAIN || err == syscall.EINTR {
		return 0, nil
	}
	if n < 0 {
		n = 0
	}
	return n, err
}
