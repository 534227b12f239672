import CGlibc

/// The sources of names of hosts, users and groups.
package enum NameService {
    /// Restricts lookups to `/etc/hosts`, `/etc/passwd`, `/etc/group` and, for hosts, DNS (`/etc/resolv.conf`),
    /// regardless of `/etc/nsswitch.conf`. Call it before the first lookup.
    ///
    /// Other sources (LDAP, mDNS, systemd's users) are shared libraries built for the machine's or image's glibc. A
    /// static binary would load them into its own glibc, usually of another release, and may crash.
    package static func useFilesAndDNS() {
        // Fails only without memory. Then nsswitch.conf applies, which has the same sources almost everywhere.
        _ = __nss_configure_lookup("hosts", "files dns")
        _ = __nss_configure_lookup("passwd", "files")
        _ = __nss_configure_lookup("group", "files")
    }
}
