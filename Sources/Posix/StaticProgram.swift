internal import CPosix

/// Whether this program is linked statically. Such a program must not load shared libraries: that would bring the
/// system's C library in beside its own, which ends in a crash if the two are of different versions.
package var isStaticProgram: Bool { hubrelay_is_static() == 1 }

/// Makes a static program look up names of hosts, groups and users only in files and in DNS, whatever nsswitch.conf(5)
/// says: other services (systemd-resolved, mDNS, SSSD, LDAP) are shared libraries. To be called before the first
/// lookup. Does nothing in a program that is linked dynamically.
package func useBuiltInNameServices() {
    guard isStaticProgram else { return }
    _ = __nss_configure_lookup("hosts", "files dns")
    for database in ["passwd", "group", "initgroups", "services", "protocols", "networks"] {
        _ = __nss_configure_lookup(database, "files")
    }
}
