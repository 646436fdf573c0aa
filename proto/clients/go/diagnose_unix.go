//go:build unix

package hubrelay

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
)

// dialPath connects to the path. The error has the error of connect(2) and, if permission is denied, the users, groups
// and mode that explain it.
func (c *Client) dialPath(ctx context.Context) (net.Conn, error) {
	var d net.Dialer
	socket, err := d.DialContext(ctx, "unix", c.path)
	if err == nil {
		return watchReads(socket), nil
	}
	var number syscall.Errno
	if !errors.As(err, &number) {
		return nil, fmt.Errorf("connect %s: %w", c.path, err)
	}
	if number == syscall.EACCES {
		return nil, fmt.Errorf("connect %s: %w (%s)", c.path, number, whoIsDenied(c.path))
	}
	return nil, fmt.Errorf("connect %s: %w", c.path, number)
}

// whoIsDenied describes this process's user and groups, and the owner, group and mode of the socket if they can be
// read.
func whoIsDenied(path string) string {
	groups, err := os.Getgroups()
	if err != nil {
		groups = []int{os.Getegid()}
	}
	text := fmt.Sprintf("this process has uid %d and groups %v", os.Geteuid(), groups)
	info, err := os.Stat(path)
	if err != nil {
		return text + "; the socket's folder cannot be looked into"
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		text += fmt.Sprintf("; the socket has uid %d, gid %d and mode %o", stat.Uid, stat.Gid, info.Mode().Perm())
	}
	return text
}
