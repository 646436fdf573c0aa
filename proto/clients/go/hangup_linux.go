package hubrelay

import "syscall"

// hasHungUp returns whether the other side of a socket has closed the connection.
func hasHungUp(fd uintptr) bool {
	instance, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return false
	}
	defer syscall.Close(instance)
	// No events are asked for, since a hang-up is always reported.
	if err = syscall.EpollCtl(instance, syscall.EPOLL_CTL_ADD, int(fd), &syscall.EpollEvent{}); err != nil {
		return false
	}
	events := make([]syscall.EpollEvent, 1)
	n, err := syscall.EpollWait(instance, events, 0)
	return err == nil && n == 1 && events[0].Events&(syscall.EPOLLHUP|syscall.EPOLLERR) != 0
}
