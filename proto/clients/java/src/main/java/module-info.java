/** The client of hubrelay, a Redis pub/sub backplane that runs as a small process beside each app server. */
module io.hubrelay {
    exports io.hubrelay;
    exports io.hubrelay.testing;
}
