internal import Glibc

/// The kind of a file in words, from `st_mode` (inode(7)).
func fileKind(_ mode: mode_t) -> String {
    switch mode & S_IFMT {
    case S_IFREG: "a regular file"
    case S_IFDIR: "a directory"
    case S_IFLNK: "a symbolic link"
    case S_IFSOCK: "a socket"
    case S_IFIFO: "a FIFO"
    case S_IFBLK, S_IFCHR: "a device"
    default: "of an unknown kind"
    }
}

/// Which file a name stands for: two names with the same identity are the same file.
struct FileIdentity: Equatable {
    let device: dev_t
    let inode: ino_t

    init(_ status: stat) {
        device = status.st_dev
        inode = status.st_ino
    }
}
