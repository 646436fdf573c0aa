//go:build unix && (!linux || race)

package hubrelay

import "syscall"

// readSocket is read(2), on a socket that never waits: it is EAGAIN when nothing is there.
func readSocket(fd uintptr, into []byte) (int, error) { return retry(syscall.Read, fd, into) }

// writeSocket is write(2), likewise.
func writeSocket(fd uintptr, chunk []byte) (int, error) { return retry(syscall.Write, fd, chunk) }
