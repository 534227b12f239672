import CGlibc

/// The sources of names of hosts, users and groups.
package enum NameService {
    /// Looks names up in `/etc/hosts`, `/etc/passwd` and `/etc/group`, and hosts also by DNS (`/etc/resolv.conf`),
    /// whatever `/etc/nsswitch.conf` says. Call it before the first lookup.
    ///
    /// Other sources (LDAP, mDNS, systemd's users) are shared libraries that are made for the glibc of the machine or
    /// image. A static binary would load them into its own glibc, mostly of another release, and may die of that.
    package static func useFilesAndDNS() {
        // It fails for want of memory alone, and then nsswitch.conf decides, which names the same almost everywhere.
        _ = __nss_configure_lookup("hosts", "files dns")
        _ = __nss_configure_lookup("passwd", "files")
        _ = __nss_configure_lookup("group", "files")
    }
}
