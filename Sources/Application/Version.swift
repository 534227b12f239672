/// The release, in RoadRunner's scheme of year and number.
package enum Version {
    /// What `rr -v` prints and workers see as `RR_VERSION`.
    package static let current = "2026.1.0"
}
