package io.hubrelay.conformance;

/** Is shut while the application takes no events. */
final class Gate {
    private boolean shut;

    synchronized void hold(boolean isShut) {
        shut = isShut;
        notifyAll();
    }

    /** Waits until it is open. */
    synchronized void pass() {
        while (shut) {
            try {
                wait();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }
}
