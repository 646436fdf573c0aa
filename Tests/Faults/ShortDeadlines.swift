/// Flags that let a relay find out a fault within about a second, so that the tests of all faults take minutes and not
/// an hour. The deadline is as short as a machine that is busy with other tests allows.
let shortDeadlines = [
    "--heartbeat-interval", "100ms", "--link-timeout", "1500ms", "--probe", "300ms", "--connect-timeout", "500ms",
]
