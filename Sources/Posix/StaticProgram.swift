internal import CPosix

/// Whether this program is linked statically. Such a program must load no shared library: that would bring the system's C
/// library in beside its own, which ends in a crash where the two are of different versions.
package var isStaticProgram: Bool { hubrelay_is_static() == 1 }

/// In a static program, has names of hosts, groups and users looked up in files and in DNS alone, whatever nsswitch.conf(5)
/// says: other services (systemd-resolved, mDNS, SSSD, LDAP) are shared libraries. To be called before the first lookup. Does
/// nothing in a program that is linked dynamically.
package func useBuiltInNameServices() {
    guard isStaticProgram else { return }
    _ = __nss_configure_lookup("hosts", "files dns")
    for database in ["passwd", "group", "initgroups", "services", "protocols", "networks"] {
        _ = __nss_configure_lookup(database, "files")
    }
}
