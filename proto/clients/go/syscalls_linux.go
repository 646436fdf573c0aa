//go:build linux && !race

package hubrelay

import (
	"syscall"
	"unsafe"
)

// briefBytes is how much one system call may copy if Go's scheduler is not told about the call.
const briefBytes = 64 << 10

// readSocket calls read(2) on a non-blocking socket: it fails with EAGAIN when there is nothing to read.
//
// Go's scheduler is not told about a brief call. Otherwise it would assume that the call may last long, and would wake
// its monitor thread whenever the process was idle before. With one publish at a time that happens each time, and is
// more expensive than the call itself. The race detector is not told either, so its builds use the ordinary calls.
func readSocket(fd uintptr, into []byte) (int, error) {
	if len(into) == 0 || len(into) > briefBytes {
		return retry(syscall.Read, fd, into)
	}
	return brief(syscall.SYS_READ, fd, into)
}

// writeSocket calls write(2) in the same way.
func writeSocket(fd uintptr, chunk []byte) (int, error) {
	if len(chunk) == 0 || len(chunk) > briefBytes {
		return retry(syscall.Write, fd, chunk)
	}
	return brief(syscall.SYS_WRITE, fd, chunk)
}

// brief makes a system call that reads into bytes, or writes them. There has to be at least one.
func brief(number, fd uintptr, bytes []byte) (int, error) {
	for {
		n, _, errno := syscall.RawSyscall(number, fd, uintptr(unsafe.Pointer(&bytes[0])), uintptr(len(bytes)))
		switch errno {
		case 0:
			return int(n), nil
		case syscall.EINTR:
		default:
			return 0, errno
		}
	}
}
