/// The release, in RoadRunner's scheme of year and number.
package enum Version {
    /// The version that `rr -v` prints and that workers get as `RR_VERSION`.
    package static let current = "2026.1.0"
}
