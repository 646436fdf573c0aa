package hubrelay

import "syscall"

// hasHungUp tells whether the other side of a socket has closed it.
func hasHungUp(fd uintptr) bool {
	instance, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return false
	}
	defer syscall.Close(instance)
	// No events are asked for: a hang-up is told always.
	if err = syscall.EpollCtl(instance, syscall.EPOLL_CTL_ADD, int(fd), &syscall.EpollEvent{}); err != nil {
		return false
	}
	events := make([]syscall.EpollEvent, 1)
	n, err := syscall.EpollWait(instance, events, 0)
	return err == nil && n == 1 && events[0].Events&(syscall.EPOLLHUP|syscall.EPOLLERR) != 0
}
