//go:build unix

package hubrelay

import "syscall"

// retry makes a system call, and makes it again when a signal has interrupted it. The number of bytes is never
// negative.
func retry(call func(fd int, bytes []byte) (int, error), fd uintptr, bytes []byte) (int, error) {
	for {
		n, err := call(int(fd), bytes)
		switch err {
		case nil:
			return n, nil
		case syscall.EINTR:
		default:
			return 0, err
		}
	}
}
