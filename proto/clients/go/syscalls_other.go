//go:build unix && (!linux || race)

package hubrelay

import "syscall"

// readSocket calls read(2) on a non-blocking socket: it fails with EAGAIN when there is nothing to read.
func readSocket(fd uintptr, into []byte) (int, error) { return retry(syscall.Read, fd, into) }

// writeSocket calls write(2) in the same way.
func writeSocket(fd uintptr, chunk []byte) (int, error) { return retry(syscall.Write, fd, chunk) }
