//go:build linux && !race

package hubrelay

import (
	"syscall"
	"unsafe"
)

// briefBytes is how much one system call may copy without Go's scheduler being told of it.
const briefBytes = 64 << 10

// readSocket is read(2), on a socket that never waits: it is EAGAIN when nothing is there.
//
// Go's scheduler is not told of a brief call. It would take it for one that may last long, and wake its monitor thread
// for it whenever the process was idle before. With one publish at a time that is each time, and dearer than the call.
// The race detector is not told either, so its builds have the ordinary calls.
func readSocket(fd uintptr, into []byte) (int, error) {
	if len(into) == 0 || len(into) > briefBytes {
		return retry(syscall.Read, fd, into)
	}
	return brief(syscall.SYS_READ, fd, into)
}

// writeSocket is write(2), likewise.
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
