//go:build unix

package hubrelay

import "syscall"

// retry makes a system call anew when a signal has interrupted it. What it transferred is never negative.
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
